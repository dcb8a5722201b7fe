package main

import (
	"cmp"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"strconv"
	"strings"
	"sync"

	bq "google.golang.org/api/bigquery/v2"
)

// pretend is a table's label that says how many GiB it is to be taken for. What
// each column has is what it really has, scaled.
const pretend = "pretend_gib"

// tableID names a table.
type tableID struct{ project, dataset, table string }

// String is the name with dots between its parts.
func (t tableID) String() string { return t.project + "." + t.dataset + "." + t.table }

func (t tableID) path() string {
	return "/projects/" + t.project + "/datasets/" + t.dataset + "/tables/" + t.table
}

func (t tableID) reference() *bq.TableReference {
	return &bq.TableReference{ProjectId: t.project, DatasetId: t.dataset, TableId: t.table}
}

func (t tableID) compare(u tableID) int {
	return cmp.Or(cmp.Compare(t.project, u.project), cmp.Compare(t.dataset, u.dataset), cmp.Compare(t.table, u.table))
}

// table is a table, or a view, as it is.
type table struct {
	id    tableID
	about *bq.Table
	// sizes are the bytes of its columns, in order; of a view nil.
	sizes []int64
}

func (t *table) isView() bool { return t.about.View != nil }

// state is all tables at one time.
type state struct {
	datasets map[string][]*bq.Dataset // by project, sorted
	tables   []*table                 // sorted
}

func (s *state) dataset(project, name string) *bq.Dataset {
	for _, d := range s.datasets[project] {
		if d.DatasetReference.DatasetId == name {
			return d
		}
	}
	return nil
}

func (s *state) table(id tableID) *table {
	i, found := slices.BinarySearchFunc(s.tables, id, func(t *table, id tableID) int { return t.id.compare(id) })
	if !found {
		return nil
	}
	return s.tables[i]
}

func (s *state) tablesOf(project, dataset string) []*table {
	var out []*table
	for _, t := range s.tables {
		if t.id.project == project && t.id.dataset == dataset {
			out = append(out, t)
		}
	}
	return out
}

// tables keeps the state until something is changed: metadata and prices are to be
// had while the emulator is busy with a query.
type tables struct {
	emulator *emulator

	mu  sync.Mutex // protects what follows
	now *state     // nil: read it anew
}

func (t *tables) changed() {
	t.mu.Lock()
	defer t.mu.Unlock()
	t.now = nil
}

// state returns the tables as they are.
func (t *tables) state(ctx context.Context) (*state, error) {
	t.mu.Lock()
	defer t.mu.Unlock()
	if t.now == nil {
		now, err := t.read(ctx)
		if err != nil {
			return nil, fmt.Errorf("read the tables: %w", err)
		}
		t.now = now
	}
	return t.now, nil
}

func (t *tables) read(ctx context.Context) (*state, error) {
	var projects bq.ProjectList
	if err := t.emulator.ask(ctx, http.MethodGet, "/projects", nil, &projects); err != nil {
		return nil, err
	}
	out := &state{datasets: map[string][]*bq.Dataset{}}
	for _, p := range projects.Projects {
		var list bq.DatasetList
		if err := t.emulator.ask(ctx, http.MethodGet, "/projects/"+p.Id+"/datasets", nil, &list); err != nil {
			return nil, err
		}
		out.datasets[p.Id] = []*bq.Dataset{}
		for _, listed := range list.Datasets {
			d := &bq.Dataset{}
			path := "/projects/" + p.Id + "/datasets/" + listed.DatasetReference.DatasetId
			if err := t.emulator.ask(ctx, http.MethodGet, path, nil, d); err != nil {
				return nil, err
			}
			d.Location = cmp.Or(d.Location, "US")
			out.datasets[p.Id] = append(out.datasets[p.Id], d)
			found, err := t.readTables(ctx, d)
			if err != nil {
				return nil, err
			}
			out.tables = append(out.tables, found...)
		}
		slices.SortFunc(out.datasets[p.Id], func(a, b *bq.Dataset) int {
			return cmp.Compare(a.DatasetReference.DatasetId, b.DatasetReference.DatasetId)
		})
	}
	slices.SortFunc(out.tables, func(a, b *table) int { return a.id.compare(b.id) })
	return out, nil
}

func (t *tables) readTables(ctx context.Context, d *bq.Dataset) ([]*table, error) {
	var list bq.TableList
	project, dataset := d.DatasetReference.ProjectId, d.DatasetReference.DatasetId
	if err := t.emulator.ask(ctx, http.MethodGet, "/projects/"+project+"/datasets/"+dataset+"/tables", nil, &list); err != nil {
		return nil, err
	}
	var out []*table
	for _, listed := range list.Tables {
		one := &table{id: tableID{project, dataset, listed.TableReference.TableId}, about: &bq.Table{}}
		if err := t.emulator.ask(ctx, http.MethodGet, one.id.path(), nil, one.about); err != nil {
			return nil, err
		}
		if err := t.measure(ctx, one); err != nil {
			return nil, err
		}
		one.mend(d)
		out = append(out, one)
	}
	return out, nil
}

// measure finds how many bytes the columns have, as BigQuery counts them; of
// records and lists it takes their length as JSON.
func (t *tables) measure(ctx context.Context, one *table) error {
	if one.isView() || one.about.Schema == nil {
		return nil
	}
	var sums []string
	for _, f := range one.about.Schema.Fields {
		sums = append(sums, "IFNULL("+bytesOf(f)+", 0)")
	}
	answer, err := t.emulator.query(ctx, one.id.project, "SELECT "+strings.Join(sums, ", ")+" FROM `"+one.id.String()+"`", nil)
	if err != nil {
		return fmt.Errorf("measure %s: %w", one.id, err)
	}
	var row struct{ F []struct{ V string } }
	if len(answer.Rows) != 1 || json.Unmarshal(answer.Rows[0], &row) != nil || len(row.F) != len(sums) {
		return fmt.Errorf("measure %s: the emulator answers %s", one.id, answer.Rows)
	}
	total := int64(0)
	for i, cell := range row.F {
		size, err := strconv.ParseInt(cell.V, 10, 64)
		if err != nil {
			return fmt.Errorf("measure %s: column %d: %w", one.id, i, err)
		}
		one.sizes = append(one.sizes, size)
		total += size
	}
	if gib, err := strconv.ParseInt(one.about.Labels[pretend], 10, 64); err == nil && total > 0 {
		whole := float64(gib << 30)
		for i, size := range one.sizes {
			one.sizes[i] = int64(whole * float64(size) / float64(total))
		}
	}
	return nil
}

// bytesOf is an expression of how many bytes a column has.
func bytesOf(f *bq.TableFieldSchema) string {
	name := "`" + f.Name + "`"
	switch {
	case f.Mode == "REPEATED", f.Type == "RECORD", f.Type == "STRUCT":
		return "SUM(BYTE_LENGTH(TO_JSON_STRING(" + name + ")))"
	case f.Type == "STRING", f.Type == "BYTES":
		return "SUM(2 + BYTE_LENGTH(" + name + "))"
	case f.Type == "BOOLEAN", f.Type == "BOOL":
		return "COUNT(" + name + ")"
	case f.Type == "BIGNUMERIC":
		return "32 * COUNT(" + name + ")"
	case f.Type == "INTEGER", f.Type == "INT64", f.Type == "FLOAT", f.Type == "FLOAT64",
		f.Type == "DATE", f.Type == "TIME", f.Type == "DATETIME", f.Type == "TIMESTAMP":
		return "8 * COUNT(" + name + ")"
	}
	return "16 * COUNT(" + name + ")"
}

// mend says what the emulator leaves out of a table's metadata, or says wrongly.
func (t *table) mend(d *bq.Dataset) {
	a := t.about
	a.TableReference, a.Location, a.Type = t.id.reference(), d.Location, cmp.Or(a.Type, "TABLE")
	const asMilliseconds = 1e11 // seconds are below it until the year 5138
	if a.CreationTime < asMilliseconds {
		a.CreationTime *= 1000
	}
	if a.LastModifiedTime < asMilliseconds {
		a.LastModifiedTime *= 1000
	}
	for _, size := range t.sizes {
		a.NumBytes += size
	}
	a.Etag = ""
	text, err := json.Marshal(a)
	if err != nil {
		text = nil // it came as JSON
	}
	sum := sha256.Sum256(text)
	a.Etag = hex.EncodeToString(sum[:8])
}
