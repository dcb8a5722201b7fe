package guard

import (
	"errors"
	"slices"
	"testing"
)

func TestLexicalDuckDB(t *testing.T) {
	for sql, want := range map[string]Rule{
		"SELECT 1": "",
		"SELECT 'it''s; -- no /* comment', \"a \"\" b\" FROM \"Umsätze 2026\" -- end":            "",
		"SELECT 'C:\\' AS path, größe FROM t WHERE x LIKE '%\\%'":                                "",
		"FROM orders SELECT id, list_sum([1, 2]), DATE'2026-01-01' /* why */;":                   "",
		"WITH x AS (SELECT * FROM range(3)) SELECT * FROM x, generate_series(1, 2), unnest([1])": "",
		"SELECT a.b.c, lower(d), x[1:2], y::INT, $p, #1, s -> 'k' FROM (VALUES (1)) v(d)":        "",
		"SELECT * FROM (SELECT (1) AS a) JOIN LATERAL (SELECT 1) ON f(a, g(b)) = 1":              "",
		"SELECT extract(year FROM date(x)), y IS DISTINCT FROM lower(z) FROM t":                  "",

		"SELECT n : 'a', y::DATE FROM x : orders, z : range(3) WHERE a[1:b] = f(1)": "",

		"SELECT max(t.update), max(\"show\"), (\"describe\" || 'x'), sum(delete + 1), (pivot, 1) FROM t": "",
		"":                                             RuleEmpty,
		" ; -- nothing":                                RuleEmpty,
		"SELECT 1; SELECT 2":                           RuleManyStatements,
		"SELECT ';'; DROP TABLE t":                     RuleManyStatements,
		"COPY t TO 'x'":                                RuleNotAQuery,
		"PIVOT t ON a":                                 RuleNotAQuery,
		"'SELECT 1'":                                   RuleNotAQuery,
		"SELECT * FROM 'x.csv'":                        RuleFile,
		"SELECT * FROM t, 'x.csv'":                     RuleFile,
		"SELECT * FROM read_csv('x')":                  RuleFunction,
		"SELECT * FROM t JOIN glob('*') ON true":       RuleFunction,
		"FROM read_text('x')":                          RuleFunction,
		"FROM \"read_text\"('x')":                      RuleFunction,
		"SELECT (SELECT * FROM query('x'))":            RuleFunction,
		"SELECT * FROM main.read_csv('x')":             RuleFunction,
		"SELECT * FROM (FROM duckdb_settings())":       RuleFunction,
		"SELECT $$it$$":                                RuleCharacter,
		"SELECT $a$ ; DROP TABLE t; $a$":               RuleCharacter,
		"SELECT a$b$ ; x $b$":                          RuleCharacter,
		"SELECT e'\\'; DROP TABLE t; --'":              RuleCharacter,
		"SELECT `a`":                                   RuleCharacter,
		"SELECT 1\u00a0":                               RuleCharacter,
		"SELECT 'a\u202e'":                             RuleCharacter,
		"SELECT 'a":                                    RuleUnterminated,
		"SELECT \"a":                                   RuleUnterminated,
		"SELECT 1 /* a":                                RuleUnterminated,
		"SELECT 1 /* a /* b */ c */":                   RuleUnterminated,
		"SELECT \"\"":                                  RuleName,
		"FROM x : 'x.csv'":                             RuleFile,
		"SELECT 1 FROM t, \"x\" : 'x.csv'":             RuleFile,
		"FROM x : read_csv('x.csv')":                   RuleFunction,
		"FROM t, LATERAL read_csv('x.csv')":            RuleFunction,
		"FROM LATERAL (read_csv('x.csv'))":             RuleFunction,
		"WITH x AS (DELETE FROM t RETURNING *) FROM x": RuleNotAQuery,
		"WITH x AS NOT MATERIALIZED (update t SET a = 1 RETURNING *) FROM x": RuleNotAQuery,
		"WITH x AS (WITH y AS (SELECT 1) INSERT INTO t FROM y) FROM x":       RuleNotAQuery,
		"FROM (SUMMARIZE 'x.csv')":                                           RuleNotAQuery,
		"WITH x AS (DESCRIBE) FROM x":                                        RuleNotAQuery,
		"FROM (DESCRIBE)":                                                    RuleNotAQuery,
		"FROM t UNION DESCRIBE ALL":                                          RuleNotAQuery,
		"FROM t UNION ALL BY NAME SHOW":                                      RuleNotAQuery,
		"FROM t EXCEPT TABLE 'x.csv'":                                        RuleNotAQuery,
		"SELECT (DESCRIBE)":                                                  RuleNotAQuery,
		"SELECT (SHOW TABLES)":                                               RuleNotAQuery,
		"FROM (PIVOT (FROM t) ON a)":                                         RuleNotAQuery,
		"SELECT * FROM main.'orders'":                                        RuleName,
		"SELECT main . 'orders'":                                             RuleName,
		"SELECT 'a long statement of more than a hundred bytes', 'a long statement of more than a hundred bytes'": RuleTooLong,
	} {
		_, err := LexicalDuckDB(sql, 100)
		var refused *LexicalError
		if errors.As(err, &refused); want == "" && err != nil || want != "" && (refused == nil || refused.Rule != want) {
			t.Errorf("%q: %v, want %q", sql, err, want)
		}
	}
}

// What stands where tables do, under more than one name, is told for the list.
func TestSourcesOfDuckDB(t *testing.T) {
	text, err := LexicalDuckDB(`SELECT o.id FROM main.orders o JOIN memory.main."a.b" USING (id), pg_catalog.pg_tables`, 0)
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, ref := range text.Sources {
		got = append(got, ref.String())
	}
	if want := []string{"main.orders", "memory.main.a.b", "pg_catalog.pg_tables"}; !slices.Equal(got, want) {
		t.Errorf("%q, want %q", got, want)
	}
}
