package profile_test

import (
	"fmt"
	"strings"
	"testing"
)

// TestLargeFiles profiles what is as large as an upload may well be. The time
// and memory limits of an ordinary session apply.
func TestLargeFiles(t *testing.T) {
	var wide strings.Builder
	for i := range 3000 {
		fmt.Fprintf(&wide, "column %d,", i)
	}
	wide.WriteString("last\n")
	for row := range 200 {
		for i := range 3000 {
			fmt.Fprintf(&wide, "%d.5,", row*i)
		}
		wide.WriteString("x\n")
	}
	var long strings.Builder
	long.WriteString("id,city,value,on\n")
	for i := range 1_000_000 {
		fmt.Fprintf(&long, "%d,city %d,%d.25,2024-01-%02d\n", i, i%1000, i%77, i%31+1)
	}
	profileOf, session := profileAll(t, []upload{{name: "wide.csv", text: wide.String()}, {name: "long.csv", text: long.String()}})
	t.Run("3,000 columns", func(t *testing.T) {
		p, err := profileOf("wide.csv")
		if err != nil {
			t.Fatal(err)
		}
		if len(p.Columns) != 3001 || p.RowCount != 200 || p.Columns[2999].Type != "FLOAT" || len(p.Sample.Rows) == 0 {
			t.Errorf("%d columns, %d rows, %d in the sample", len(p.Columns), p.RowCount, len(p.Sample.Rows))
		}
		loads(t, session, p)
	})
	t.Run("1,000,000 rows", func(t *testing.T) {
		p, err := profileOf("long.csv")
		if err != nil {
			t.Fatal(err)
		}
		var distinct []int64
		for _, c := range p.Columns {
			distinct = append(distinct, c.DistinctCount)
		}
		if got := fmt.Sprint(columns(p), distinct, p.RowCount); got != "[id INTEGER city STRING value FLOAT on DATE] [1000000 1000 77 31] 1000000" {
			t.Error(got)
		}
		loads(t, session, p)
	})
}
