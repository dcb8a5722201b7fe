package bigquery

import (
	"math"
	"slices"
	"strings"

	"github.com/mark-analyst/mark/warehouse"
	"github.com/mark-analyst/mark/warehouse/warehousetest"
)

// typesOnTheEmulator are values of every type: in SQL, and as they arrive. Of numbers
// without bounds the emulator has none.
var typesOnTheEmulator = []struct {
	sql  string
	kind warehouse.Type
	want any
}{
	{`'grüße "猫"\n' AS s`, warehouse.String, "grüße \"猫\"\n"},
	{`'' AS empty`, warehouse.String, ""},
	{`CAST(NULL AS STRING) AS nothing`, warehouse.String, nil},
	{`b'\x00\xff\x80' AS b`, warehouse.Bytes, "AP+A"},
	{`-9223372036854775808 AS i`, warehouse.Integer, int64(math.MinInt64)},
	{`1.5e-7 AS f`, warehouse.Float, 1.5e-7},
	{`true AS yes`, warehouse.Boolean, true},
	{`NUMERIC '12345678901234567890123456789.123456789' AS n`, warehouse.Numeric, "12345678901234567890123456789.123456789"},
	{`NUMERIC '-7' AS whole`, warehouse.Numeric, "-7"},
	{`BIGNUMERIC '0.00000000000000000000000000000000000001' AS big`, warehouse.BigNumeric, "0.00000000000000000000000000000000000001"},
	{`DATE '0001-01-01' AS d`, warehouse.Date, "0001-01-01"},
	{`TIME '14:05:06.000070' AS t`, warehouse.Time, "14:05:06.00007"},
	{`DATETIME '2026-02-03 14:05:06' AS dt`, warehouse.DateTime, "2026-02-03T14:05:06"},
	{`TIMESTAMP '2026-02-03 14:05:06.000007+00' AS ts`, warehouse.Timestamp, "2026-02-03T14:05:06.000007Z"},
	{`TIMESTAMP '0001-01-01 00:00:00+00' AS early`, warehouse.Timestamp, "0001-01-01T00:00:00Z"},
	{`ST_GEOGPOINT(1, 2) AS g`, warehouse.Geography, "POINT (1 2)"}, // BigQuery writes no space
	{`RANGE(DATE '2026-01-01', NULL) AS r`, warehouse.Range, warehouse.Record{Names: []string{"start", "end"}, Values: []any{"2026-01-01", nil}}},
	{`JSON '{"a":[1,null]}' AS j`, warehouse.JSON, `{"a":[1,null]}`},
	{`JSON 'null' AS jnull`, warehouse.JSON, "null"},
	{`INTERVAL '1-2 3 4:5:6.789' YEAR TO SECOND AS iv`, warehouse.Interval, "1-2 3 4:5:6.789"},
	{`[NUMERIC '1.50', NUMERIC '2'] AS list`, warehouse.Numeric, []any{"1.5", "2"}},
	{`CAST([] AS ARRAY<INT64>) AS none`, warehouse.Integer, []any{}},
	{"STRUCT(DATE '2026-02-03' AS a, [1, 2] AS xs, STRUCT(false AS x) AS `in`) AS st", warehouse.Struct,
		warehouse.Record{Names: []string{"a", "xs", "in"}, Values: []any{"2026-02-03", []any{int64(1), int64(2)},
			warehouse.Record{Names: []string{"x"}, Values: []any{false}}}}},
	{`[STRUCT('x' AS k), STRUCT(CAST(NULL AS STRING) AS k)] AS sts`, warehouse.Struct,
		[]any{warehouse.Record{Names: []string{"k"}, Values: []any{"x"}}, warehouse.Record{Names: []string{"k"}, Values: []any{nil}}}},
	{`CAST(NULL AS STRUCT<k STRING>) AS nost`, warehouse.Struct, nil},
}

var typesQuery = func() string {
	var values []string
	for _, c := range typesOnTheEmulator {
		values = append(values, c.sql)
	}
	return "SELECT " + strings.Join(values, ", ")
}()

// paramsOnTheEmulator are the parameters without those that the emulator takes for
// others: it makes a TIMESTAMP of a DATETIME.
func paramsOnTheEmulator() []warehousetest.ParamCase {
	return slices.DeleteFunc(slices.Clone(paramCases), func(c warehousetest.ParamCase) bool { return c.Param.Type == warehouse.DateTime })
}
