package bigquery

import (
	"slices"
	"testing"

	bq "google.golang.org/api/bigquery/v2"
)

// TestDryRunsOnTheEmulator: what stands before the emulator says truly what a
// statement is, reads and processes, and runs nothing for it. The other tests over
// the emulator rely on that.
func TestDryRunsOnTheEmulator(t *testing.T) {
	e := emulator(t)
	e.table(t, "sales", "names", &bq.Table{View: &bq.ViewDefinition{Query: "SELECT customer FROM sales.orders WHERE id > 1", UseLegacySql: false, ForceSendFields: []string{"UseLegacySql"}}})
	const ids, customers = 3 * 8, 2 * (2 + 3) // three numbers; Ada and Bob
	for _, c := range []struct {
		sql, kind string
		tables    []string
		views     []string
		bytes     int64
	}{
		{"SELECT 1", "SELECT", nil, nil, 0},
		{"SELECT id FROM sales.orders", "SELECT", []string{"orders"}, nil, ids},
		{"SELECT id, customer FROM `" + e.project + ".sales.orders` WHERE id > 1", "SELECT", []string{"orders"}, nil, ids + customers},
		{"SELECT COUNT(*) FROM sales.orders", "SELECT", []string{"orders"}, nil, 0},
		{"SELECT o.id FROM sales.orders AS o JOIN sales.items AS i ON o.id = i.n", "SELECT", []string{"items", "orders"}, nil, ids + 8},
		{"WITH a AS (SELECT id FROM sales.orders) SELECT (SELECT MAX(n) FROM sales.items) FROM a WHERE id = 1", "SELECT", []string{"items", "orders"}, nil, ids + 8},
		{"SELECT * FROM sales.names", "SELECT", []string{"orders"}, []string{"names"}, ids + customers},
		{"SELECT n FROM sales.dear", "SELECT", []string{"dear"}, nil, 20 << 30},
		{"SELECT 'DROP TABLE x; DELETE FROM y' AS note -- ; DROP", "SELECT", nil, nil, 0},
		{"FROM sales.orders |> WHERE id > 1 |> SELECT id", "SELECT", []string{"orders"}, nil, ids},
		{"SELECT 1; DROP TABLE sales.orders", "SCRIPT", nil, nil, 0},
		{"BEGIN SELECT 1; END", "SCRIPT", nil, nil, 0},
		{"DECLARE x INT64 DEFAULT 1; SELECT x", "SCRIPT", nil, nil, 0},
		{"EXECUTE IMMEDIATE 'DROP TABLE sales.orders'", "SCRIPT", nil, nil, 0},
		{"DROP TABLE sales.orders", "DROP_TABLE", nil, nil, 0},
		{"TRUNCATE TABLE sales.orders", "TRUNCATE_TABLE", nil, nil, 0},
		{"DELETE FROM sales.orders WHERE true", "DELETE", nil, nil, 0},
		{"UPDATE sales.orders SET customer = 'x' WHERE true", "UPDATE", nil, nil, 0},
		{"INSERT INTO sales.items (n) VALUES (1)", "INSERT", nil, nil, 0},
		{"MERGE sales.items AS a USING sales.items AS b ON false WHEN MATCHED THEN DELETE", "MERGE", nil, nil, 0},
		{"CREATE TABLE sales.x (a INT64)", "CREATE_TABLE", nil, nil, 0},
		{"CREATE TABLE sales.x AS SELECT 1 AS a", "CREATE_TABLE_AS_SELECT", nil, nil, 0},
		{"EXPORT DATA OPTIONS (uri = 'gs://x/*', format = 'CSV') AS SELECT 1", "EXPORT_DATA", nil, nil, 0},
	} {
		job := e.dryRun(t, c.sql)
		q := job.Statistics.Query
		tables, views := namesOf(q.ReferencedTables), namesOf(q.ReferencedLogicalViews)
		if q.StatementType != c.kind || !slices.Equal(tables, c.tables) || !slices.Equal(views, c.views) || q.TotalBytesProcessed != c.bytes || !job.Configuration.DryRun {
			t.Errorf("%s\nis %s of %v through %v, %d bytes; want %s of %v through %v, %d bytes", c.sql,
				q.StatementType, tables, views, q.TotalBytesProcessed, c.kind, c.tables, c.views, c.bytes)
		}
	}
	if all := e.ran(t); len(all) > 0 {
		t.Errorf("%q ran", all)
	}
	if list, err := e.api.Tabledata.List(e.project, "sales", "orders").Do(); err != nil || len(list.Rows) != 3 {
		t.Errorf("after all that there are %v (%v)", list, err)
	}
}

func (e *emulated) dryRun(t *testing.T, sql string) *bq.Job {
	t.Helper()
	legacy := false
	job, err := e.api.Jobs.Insert(e.project, &bq.Job{Configuration: &bq.JobConfiguration{DryRun: true,
		Query: &bq.JobConfigurationQuery{Query: sql, UseLegacySql: &legacy}}}).Do()
	if err != nil {
		t.Fatalf("%s: %v", sql, err)
	}
	return job
}

func namesOf(refs []*bq.TableReference) []string {
	var out []string
	for _, r := range refs {
		out = append(out, r.TableId)
	}
	return out
}

// TestAJobOnTheEmulatorBillsNoMoreThanItMay: maximumBytesBilled holds.
func TestAJobOnTheEmulatorBillsNoMoreThanItMay(t *testing.T) {
	e := emulator(t)
	legacy := false
	run := func(most int64) *bq.Job {
		t.Helper()
		job, err := e.api.Jobs.Insert(e.project, &bq.Job{Configuration: &bq.JobConfiguration{
			Query: &bq.JobConfigurationQuery{Query: "SELECT n FROM sales.dear", UseLegacySql: &legacy, MaximumBytesBilled: most}}}).Do()
		for err == nil && job.Status.State != "DONE" {
			job, err = e.api.Jobs.Get(e.project, job.JobReference.JobId).Do()
		}
		if err != nil {
			t.Fatal(err)
		}
		return job
	}
	if j := run(20<<30 - 1); j.Status.ErrorResult == nil || j.Status.ErrorResult.Reason != "bytesBilledLimitExceeded" || j.Statistics.Query.TotalBytesBilled != 0 {
		t.Errorf("too little was allowed: %+v, %d bytes billed", j.Status, j.Statistics.Query.TotalBytesBilled)
	}
	if j := run(20 << 30); j.Status.ErrorResult != nil || j.Statistics.Query.TotalBytesBilled != 20<<30 {
		t.Errorf("enough was allowed: %+v, %d bytes billed", j.Status.ErrorResult, j.Statistics.Query.TotalBytesBilled)
	}
}
