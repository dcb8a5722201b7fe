package main

import (
	"encoding/json"
	"fmt"
	"testing"

	bq "google.golang.org/api/bigquery/v2"

	"github.com/mark-analyst/mark/warehouse"
	"github.com/mark-analyst/mark/warehouse/bqfake"
)

// inPandas are columns as the API writes them, and what pandas has of them: the dtype
// and the values, of which the second is NULL.
var inPandas = []struct {
	field *bq.TableFieldSchema
	cell  any
	dtype string
	want  string
}{
	{&bq.TableFieldSchema{Name: "i", Type: "INTEGER"}, "-9223372036854775808", "Int64", "[-9223372036854775808, <NA>]"},
	{&bq.TableFieldSchema{Name: "f", Type: "FLOAT"}, "1.5E-7", "float64", "[1.5e-07, nan]"},
	{&bq.TableFieldSchema{Name: "inf", Type: "FLOAT"}, "-Infinity", "float64", "[-inf, nan]"},
	{&bq.TableFieldSchema{Name: "b", Type: "BOOLEAN"}, "false", "boolean", "[False, <NA>]"},
	{&bq.TableFieldSchema{Name: "s", Type: "STRING"}, "a \"b\",\n<c> grüße 猫", "str", `['a "b",\n<c> grüße 猫', nan]`},
	{&bq.TableFieldSchema{Name: "empty", Type: "STRING"}, "", "str", `['', nan]`},
	{&bq.TableFieldSchema{Name: "word", Type: "STRING"}, "NULL", "str", `['NULL', nan]`},
	{&bq.TableFieldSchema{Name: "bytes", Type: "BYTES"}, "AP+A", "object", `[b'\x00\xff\x80', None]`},
	{&bq.TableFieldSchema{Name: "n", Type: "NUMERIC"}, "12345678901234567890123456789.123456789", "object", "[Decimal('12345678901234567890123456789.123456789'), None]"},
	{&bq.TableFieldSchema{Name: "big", Type: "BIGNUMERIC"}, "0.00000000000000000000000000000000000001", "object", "[Decimal('1E-38'), None]"},
	{&bq.TableFieldSchema{Name: "d", Type: "DATE"}, "0001-01-01", "object", "[datetime.date(1, 1, 1), None]"},
	{&bq.TableFieldSchema{Name: "t", Type: "TIME"}, "14:05:06.000070", "object", "[datetime.time(14, 5, 6, 70), None]"},
	{&bq.TableFieldSchema{Name: "dt", Type: "DATETIME"}, "9999-12-31T23:59:59.999999", "datetime64[us]", "[Timestamp('9999-12-31 23:59:59.999999'), NaT]"},
	{&bq.TableFieldSchema{Name: "ts", Type: "TIMESTAMP"}, "1770127506000007", "datetime64[us, UTC]", "[Timestamp('2026-02-03 14:05:06.000007+0000', tz='UTC'), NaT]"},
	{&bq.TableFieldSchema{Name: "early", Type: "TIMESTAMP"}, "-62135596800000000", "datetime64[us, UTC]", "[Timestamp('0001-01-01 00:00:00+0000', tz='UTC'), NaT]"},
	{&bq.TableFieldSchema{Name: "g", Type: "GEOGRAPHY"}, "POINT(1 2)", "str", "['POINT(1 2)', nan]"},
	{&bq.TableFieldSchema{Name: "iv", Type: "INTERVAL"}, "1-2 3 4:5:6.789", "str", "['1-2 3 4:5:6.789', nan]"},
	{&bq.TableFieldSchema{Name: "j", Type: "JSON"}, `{"a":[1,null]}`, "object", "[{'a': [1, None]}, None]"},
	{&bq.TableFieldSchema{Name: "r", Type: "RANGE", RangeElementType: &bq.TableFieldSchemaRangeElementType{Type: "DATE"}}, "[2026-01-01, UNBOUNDED)",
		"object", "[{'start': datetime.date(2026, 1, 1), 'end': None}, None]"},
	{&bq.TableFieldSchema{Name: "list", Type: "NUMERIC", Mode: "REPEATED"}, []any{"1.50", "2"}, "object", "[[Decimal('1.5'), Decimal('2')], []]"},
	{&bq.TableFieldSchema{Name: "st", Type: "RECORD", Fields: []*bq.TableFieldSchema{
		{Name: "at", Type: "TIMESTAMP"}, {Name: "xs", Type: "INTEGER", Mode: "REPEATED"}, {Name: "in", Type: "RECORD", Fields: []*bq.TableFieldSchema{{Name: "f", Type: "FLOAT"}}}}},
		bqfake.Record{"0", []any{"1"}, bqfake.Record{"NaN"}}, "object",
		"[{'at': datetime.datetime(1970, 1, 1, 0, 0, tzinfo=datetime.timezone.utc), 'xs': [1], 'in': {'f': nan}}, None]"},
	{&bq.TableFieldSchema{Name: "same", Type: "RECORD", Fields: []*bq.TableFieldSchema{{Name: "x", Type: "INTEGER"}, {Name: "x", Type: "DATE"}}},
		bqfake.Record{"1", "2026-01-01"}, "object", "[[1, datetime.date(2026, 1, 1)], None]"},
	{&bq.TableFieldSchema{Name: "i", Type: "INTEGER"}, "7", "Int64", "[7, <NA>]"}, // a name that was there
}

// Every type arrives in pandas in its kind, whether a program asks or takes what
// run_sql has brought; also of a result without rows.
func TestEveryTypeArrivesInPandas(t *testing.T) {
	fake, list := shop(t)
	answer := bqfake.Answer{Tables: []warehouse.TableRef{orders}, Bytes: 1, TotalRows: 2}
	full, empty := []any{}, []any{}
	for _, c := range inPandas {
		answer.Schema, full, empty = append(answer.Schema, c.field), append(full, c.cell), append(empty, nil)
	}
	answer.Row = func(i int) []any { return [][]any{full, empty}[i] }
	fake.Answer("SELECT 1 FROM sales.orders", answer)
	answer.TotalRows = 0
	fake.Answer("SELECT 2 FROM sales.orders", answer)
	const program = `import json, mark
def told(df):
    return [[str(df.iloc[:, n].dtype), str(df.iloc[:, n].tolist())] for n in range(df.shape[1])]
print(json.dumps([told(mark.query("SELECT 1 FROM sales.orders")), told(mark.result("s1.o1")), told(mark.query("SELECT 2 FROM sales.orders"))]))`
	model := withModel(t, runSQL("SELECT 1 FROM sales.orders"), python(program), says("There."))
	s := start(t, "", func(c *Config, p *Parts) { model(c, p); c.Warehouses = list })
	ada := s.signUp("ada@example.org")
	_, run := ada.ask("", "What is there?")
	ada.answered(run)
	var got [3][][2]string
	if out := ada.stdout(run, 1); json.Unmarshal([]byte(out), &got) != nil {
		t.Fatalf("Python printed %q, steps %v", out, ada.run(run).at("node", "steps"))
	}
	for i, of := range got {
		if len(of) != len(inPandas) {
			t.Fatalf("%d columns of %d", len(of), len(inPandas))
		}
		for n, c := range inPandas {
			want := c.want
			if i == 2 {
				want = "[]"
			}
			if of[n] != [2]string{c.dtype, want} {
				t.Errorf("result %d: %s %s is %s, want %s", i, c.field.Type, c.field.Name, of[n], fmt.Sprint([]string{c.dtype, want}))
			}
		}
	}
}
