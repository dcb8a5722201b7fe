package bigquery

import (
	"math"
	"slices"

	bq "google.golang.org/api/bigquery/v2"

	"github.com/mark-analyst/mark/warehouse"
	"github.com/mark-analyst/mark/warehouse/bqfake"
	"github.com/mark-analyst/mark/warehouse/warehousetest"
)

// typesTable is a value of every type: as the API writes it, and as it arrives.
var typesTable = []struct {
	field *bq.TableFieldSchema
	cell  any
	want  any
}{
	{&bq.TableFieldSchema{Name: "s", Type: "STRING"}, "grüße \"猫\"\n", "grüße \"猫\"\n"},
	{&bq.TableFieldSchema{Name: "empty", Type: "STRING"}, "", ""},
	{&bq.TableFieldSchema{Name: "nothing", Type: "STRING"}, nil, nil},
	{&bq.TableFieldSchema{Name: "b", Type: "BYTES"}, "AP+A", "AP+A"},
	{&bq.TableFieldSchema{Name: "i", Type: "INTEGER"}, "-9223372036854775808", int64(math.MinInt64)},
	{&bq.TableFieldSchema{Name: "f", Type: "FLOAT"}, "1.5E-7", 1.5e-7},
	{&bq.TableFieldSchema{Name: "inf", Type: "FLOAT"}, "-Infinity", math.Inf(-1)},
	{&bq.TableFieldSchema{Name: "yes", Type: "BOOLEAN"}, "true", true},
	{&bq.TableFieldSchema{Name: "n", Type: "NUMERIC"}, "12345678901234567890123456789.123456789", "12345678901234567890123456789.123456789"},
	{&bq.TableFieldSchema{Name: "whole", Type: "NUMERIC"}, "-7", "-7"},
	{&bq.TableFieldSchema{Name: "big", Type: "BIGNUMERIC"}, "0.00000000000000000000000000000000000001", "0.00000000000000000000000000000000000001"},
	{&bq.TableFieldSchema{Name: "d", Type: "DATE"}, "0001-01-01", "0001-01-01"},
	{&bq.TableFieldSchema{Name: "t", Type: "TIME"}, "14:05:06.000070", "14:05:06.00007"},
	{&bq.TableFieldSchema{Name: "dt", Type: "DATETIME"}, "2026-02-03T14:05:06", "2026-02-03T14:05:06"},
	{&bq.TableFieldSchema{Name: "ts", Type: "TIMESTAMP"}, "1770127506000007", "2026-02-03T14:05:06.000007Z"},
	{&bq.TableFieldSchema{Name: "early", Type: "TIMESTAMP"}, "-62135596800000000", "0001-01-01T00:00:00Z"},
	{&bq.TableFieldSchema{Name: "g", Type: "GEOGRAPHY"}, "POINT(1 2)", "POINT(1 2)"},
	{&bq.TableFieldSchema{Name: "j", Type: "JSON"}, `{"a":[1,null]}`, `{"a":[1,null]}`},
	{&bq.TableFieldSchema{Name: "jnull", Type: "JSON"}, "null", "null"},
	{&bq.TableFieldSchema{Name: "iv", Type: "INTERVAL"}, "1-2 3 4:5:6.789", "1-2 3 4:5:6.789"},
	{&bq.TableFieldSchema{Name: "r", Type: "RANGE", RangeElementType: &bq.TableFieldSchemaRangeElementType{Type: "DATE"}},
		"[2026-01-01, UNBOUNDED)", warehouse.Record{Names: []string{"start", "end"}, Values: []any{"2026-01-01", nil}}},
	{&bq.TableFieldSchema{Name: "list", Type: "NUMERIC", Mode: "REPEATED"}, []any{"1.50", "2"}, []any{"1.5", "2"}},
	{&bq.TableFieldSchema{Name: "none", Type: "INTEGER", Mode: "REPEATED"}, []any{}, []any{}},
	{&bq.TableFieldSchema{Name: "st", Type: "RECORD", Fields: []*bq.TableFieldSchema{
		{Name: "a", Type: "DATE"}, {Name: "xs", Type: "INTEGER", Mode: "REPEATED"}, {Name: "in", Type: "RECORD", Fields: []*bq.TableFieldSchema{{Name: "x", Type: "BOOLEAN"}}}}},
		bqfake.Record{"2026-02-03", []any{"1", "2"}, bqfake.Record{"false"}},
		warehouse.Record{Names: []string{"a", "xs", "in"}, Values: []any{"2026-02-03", []any{int64(1), int64(2)},
			warehouse.Record{Names: []string{"x"}, Values: []any{false}}}}},
	{&bq.TableFieldSchema{Name: "sts", Type: "RECORD", Mode: "REPEATED", Fields: []*bq.TableFieldSchema{{Name: "k", Type: "STRING"}}},
		[]any{bqfake.Record{"x"}, bqfake.Record{nil}},
		[]any{warehouse.Record{Names: []string{"k"}, Values: []any{"x"}}, warehouse.Record{Names: []string{"k"}, Values: []any{nil}}}},
	{&bq.TableFieldSchema{Name: "nost", Type: "RECORD", Fields: []*bq.TableFieldSchema{{Name: "k", Type: "STRING"}}}, nil, nil},
}

var (
	typesSchema []*bq.TableFieldSchema
	typesCells  []any
	typesRow    []any
	typeNames   []warehouse.Type
)

func init() {
	for _, c := range typesTable {
		typesSchema, typesCells, typesRow = append(typesSchema, c.field), append(typesCells, c.cell), append(typesRow, c.want)
		typeNames = append(typeNames, warehouse.Type(c.field.Type))
	}
}

// paramCases are parameters with what the fake gives back of them.
var paramCases = append(slices.Clone(warehousetest.Params),
	warehousetest.ParamCase{Param: warehouse.Param{Name: "p", Type: warehouse.BigNumeric, Value: "-1.5"}, Want: "-1.5"},
	warehousetest.ParamCase{Param: warehouse.Param{Name: "p", Type: warehouse.Geography, Value: "POINT(1 2)"}, Want: "POINT(1 2)"},
	warehousetest.ParamCase{Param: warehouse.Param{Name: "p", Type: warehouse.Interval, Value: "1-2 3 4:5:6"}, Want: "1-2 3 4:5:6"},
)
