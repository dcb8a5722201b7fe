package sandboxtest

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/mark-analyst/mark/internal/execution"
)

// everyType is a schema with each of BigQuery's types, and a row of it and one of
// nulls, as lines of CSV.
const (
	everyType = `[
		{"name":"i","type":"INTEGER"},{"name":"f","type":"FLOAT"},{"name":"b","type":"BOOLEAN"},{"name":"s","type":"STRING"},
		{"name":"n","type":"NUMERIC"},{"name":"d","type":"DATE"},{"name":"dt","type":"DATETIME"},{"name":"ts","type":"TIMESTAMP"},
		{"name":"t","type":"TIME"},{"name":"y","type":"BYTES"},{"name":"j","type":"JSON"},{"name":"g","type":"GEOGRAPHY"},
		{"name":"r","type":"RANGE","element":"DATE"},{"name":"iv","type":"INTERVAL"},
		{"name":"st","type":"RECORD","fields":[{"name":"a","type":"NUMERIC"},{"name":"l","type":"INTEGER","mode":"REPEATED"}]},
		{"name":"ar","type":"DATE","mode":"REPEATED"}
	]`
	fullRow = `9007199254740993,NaN,true,it,123.456,0001-02-03,9999-12-31T23:59:59.999999,2024-05-06T07:08:09.123456Z,` +
		`01:02:03.000004,AP8=,"{""k"":[1]}",POINT(1 2),"{""start"":""2024-01-01"",""end"":null}",1-2 3 4:5:6,"{""a"":""1.5"",""l"":[1,2]}","[""2024-01-01"",""2024-01-02""]"` + "\n"
	nullRow = ",,,,,,,,,,,,,,,[]\n"
)

// warehouse is a host with one result, in pages.
func warehouse(schema string, asked *[]string, pages ...string) func(context.Context, execution.Call) (any, error) {
	return func(_ context.Context, c execution.Call) (any, error) {
		*asked = append(*asked, c.Method+" "+string(c.Args))
		if c.Method == "query" || c.Method == "result" {
			return map[string]any{"result": "r1", "schema": json.RawMessage(schema), "rows": 2, "truncated": false}, nil
		}
		var args struct{ Page int }
		if err := json.Unmarshal(c.Args, &args); err != nil || args.Page >= len(pages) {
			return nil, fmt.Errorf("no such page: %s", c.Args)
		}
		return map[string]any{"csv": []byte(pages[args.Page]), "done": args.Page == len(pages)-1}, nil
	}
}

func queryCases() []testCase {
	return []testCase{
		{name: "a query's result is a DataFrame, each type in its kind", run: func(t *testing.T, s session) {
			var asked []string
			code := `import mark
df = mark.query("SELECT @x", x=7)
v = df.iloc[0]
print(*[str(d) for d in df.dtypes])
print(v.i, v.f, v.b, v.s, repr(v.n), v.d, v["dt"], v.ts, v.t, v.y, v.j, v.g, v.r, v.iv, v.st, v.ar, sep=" | ")
print(df.iloc[1].drop("ar").isna().all(), df.iloc[1].ar, len(df), df.attrs)`
			o := s.tryWith(t, context.Background(), code, warehouse(everyType, &asked, fullRow, nullRow))
			want := `Int64 float64 boolean str object object datetime64[us] datetime64[us, UTC] object object object str object str object object
9007199254740993 | nan | True | it | Decimal('123.456') | 0001-02-03 | 9999-12-31 23:59:59.999999 | 2024-05-06 07:08:09.123456+00:00 | 01:02:03.000004 | b'\x00\xff' | {'k': [1]} | POINT(1 2) | {'start': datetime.date(2024, 1, 1), 'end': None} | 1-2 3 4:5:6 | {'a': Decimal('1.5'), 'l': [1, 2]} | [datetime.date(2024, 1, 1), datetime.date(2024, 1, 2)]
True [] 2 {'truncated': False, 'total_rows': 2}
`
			if o.err != nil || o.stdout != want {
				t.Errorf("printed\n%s\nwant\n%s\nended with %v %+v", o.stdout, want, o.err, o.result.Failure)
			}
			if got := strings.Join(asked, "; "); got != `query {"sql":"SELECT @x","params":[{"name":"x","type":"INT64","value":"7"}]}; rows {"result":"r1","page":0}; rows {"result":"r1","page":1}` {
				t.Errorf("the host was asked %s", got)
			}
		}},
		{name: "a query says which of several warehouses is asked", run: func(t *testing.T, s session) {
			var asked []string
			o := s.tryWith(t, context.Background(), `import mark
mark.query("q", connection="lake", x=1)
mark.query("q", "lake")
mark.query("q", connection=None)`, warehouse(`[]`, &asked, ``))
			want := []string{`query {"sql":"q","params":[{"name":"x","type":"INT64","value":"1"}],"connection":"lake"}`, `query {"sql":"q","params":[],"connection":"lake"}`, `query {"sql":"q","params":[]}`}
			got := slices.DeleteFunc(asked, func(call string) bool { return strings.HasPrefix(call, "rows ") })
			if o.err != nil || o.result.Failure != nil || !slices.Equal(got, want) {
				t.Errorf("the host was asked %q, ended with %v %+v", got, o.err, o.result.Failure)
			}
		}},
		{name: "parameters of a query are typed", run: func(t *testing.T, s session) {
			var asked []string
			code := `import mark, datetime as d, decimal
u = d.timezone.utc
mark.query("q", a=None, b=True, c=1.5, e="x", f=b"\x00", g=decimal.Decimal("1.10"), h=d.date(2024,1,2), i=d.datetime(2024,1,2,3), j=d.datetime(2024,1,2,3,tzinfo=u), k=d.time(1,2), l=[1,2], m=np.int64(3), n=[])
try:
    mark.query("q", a={})
except TypeError as e:
    print(e)
try:
    mark.query("q", a=[1, "x"])
except TypeError as e:
    print(e)`
			o := s.tryWith(t, context.Background(), code, warehouse(`[]`, &asked, ``))
			if o.err != nil || o.stdout != "a is a dict, which no query takes\nthe items of a are of different types: INT64, STRING\n" {
				t.Errorf("printed %q, ended with %v %+v", o.stdout, o.err, o.result.Failure)
			}
			want := `query {"sql":"q","params":[{"name":"a","type":"STRING","value":null},{"name":"b","type":"BOOL","value":"true"},{"name":"c","type":"FLOAT64","value":"1.5"},` +
				`{"name":"e","type":"STRING","value":"x"},{"name":"f","type":"BYTES","value":"AA=="},{"name":"g","type":"BIGNUMERIC","value":"1.10"},{"name":"h","type":"DATE","value":"2024-01-02"},` +
				`{"name":"i","type":"DATETIME","value":"2024-01-02 03:00:00"},{"name":"j","type":"TIMESTAMP","value":"2024-01-02 03:00:00+00:00"},{"name":"k","type":"TIME","value":"01:02:00"},` +
				`{"name":"l","type":"ARRAY","items":"INT64","value":["1","2"]},{"name":"m","type":"INT64","value":"3"},{"name":"n","type":"ARRAY","items":"STRING","value":[]}]}`
			if len(asked) == 0 || asked[0] != want {
				t.Errorf("the host was asked\n%s\nwant\n%s", strings.Join(asked, "\n"), want)
			}
		}},
		{name: "SQL runs over the chat's datasets", spec: with("a.csv", "x,y\n1,2\n3,4\n"), run: func(t *testing.T, s session) {
			var asked []string
			o := s.tryWith(t, context.Background(), "import mark\nprint(mark.sql('SELECT sum(y) AS s FROM a WHERE x >= $least', least=2).s[0])", answering(&asked))
			if o.err != nil || o.stdout != "4.0\n" && o.stdout != "4\n" {
				t.Errorf("printed %q, ended with %v %+v", o.stdout, o.err, o.result.Failure)
			}
			// SQL reaches what the chat has, and nothing else.
			for _, statement := range []string{"SELECT * FROM read_text('/etc/passwd')", "COPY (SELECT 1) TO '/tmp/x.csv'", "INSTALL httpfs", "ATTACH '/tmp/x.db'"} {
				o := s.tryWith(t, context.Background(), fmt.Sprintf("import mark\nmark.sql(%q)", statement), answering(&asked))
				if o.result.Failure == nil {
					t.Errorf("%s was done", statement)
				}
			}
		}},
		{name: "SQL over datasets says what a name does not mean", spec: with("a.csv", "x,y\n1,2\n"), run: func(t *testing.T, s session) {
			files := []map[string]any{
				{"name": "a.csv", "dataset": "first"}, {"name": "stores.csv", "dataset": "Shops"}, {"name": "stores.tsv", "dataset": "More"},
				{"name": "Case.csv", "dataset": "one"}, {"name": "case.csv", "dataset": "two"},
			}
			for statement, want := range map[string]string{
				"SELECT x FROM first":        "1",
				"SELECT x FROM FIRST":        "1",
				"SELECT x FROM a":            "1",
				`SELECT x FROM "stores.tsv"`: "1",
				"SELECT x FROM Shops":        "1",
				"SELECT x FROM two":          "1",
				"SELECT x FROM stores":       `"stores" may be any of "stores.csv", "stores.tsv". Write which, whole and in quotes, or load it with mark.dataset.`,
				`SELECT x FROM "case.csv"`:   `"case.csv" may be any of "Case.csv", "case.csv". Write which, whole and in quotes, or load it with mark.dataset.`,
				"SELECT 'stores' AS s":       "stores",
				"SELECT x FROM sales":        `There is no table "sales". This chat has "first", "Shops", "More", "one", "two".`,
				"":                           "The statement is empty.",
				" -- nothing":                "The statement is empty.",
			} {
				o := s.tryWith(t, context.Background(), fmt.Sprintf("import mark\ntry:\n    print(mark.sql(%q).iloc[0, 0])\nexcept mark.Error as e:\n    print(e)", statement),
					func(_ context.Context, c execution.Call) (any, error) {
						if c.Method == "files" {
							return files, nil
						}
						return map[string]string{"load": `pd.read_csv("a.csv")`}, nil
					})
				if o.err != nil || o.stdout != want+"\n" {
					t.Errorf("%s\nprinted %q, want %q, ended with %v %+v", statement, o.stdout, want, o.err, o.result.Failure)
				}
			}
		}},
	}
}
