package bigquery

import (
	"context"

	"cloud.google.com/go/bigquery"
	bq "google.golang.org/api/bigquery/v2"
	"google.golang.org/api/iterator"

	"github.com/mark-analyst/mark/warehouse"
)

const (
	pageSize    = 100
	maxPageSize = 1000
)

// Browse implements warehouse.Warehouse. Projects are those that the list names,
// and the connection's own: what else the account can see is not asked.
func (w *Warehouse) Browse(ctx context.Context, under warehouse.Place, page warehouse.Page) (warehouse.Listing, error) {
	ctx, cancel := w.brief(ctx)
	defer cancel()
	if page.Size <= 0 {
		page.Size = pageSize
	}
	page.Size = min(page.Size, maxPageSize)
	allow := w.guard.Allow
	switch {
	case under.Project == "":
		return w.projects(), nil
	case !allow.Project(under.Project), under.Dataset != "" && !allow.Dataset(under.Project, under.Dataset):
		return warehouse.Listing{}, notThere(under.Project + dot(under.Dataset))
	case under.Dataset == "":
		return w.datasets(ctx, under.Project, page)
	}
	return w.tables(ctx, under, page)
}

func dot(name string) string {
	if name == "" {
		return ""
	}
	return "." + name
}

func (w *Warehouse) projects() warehouse.Listing {
	names := w.guard.Allow.Projects()
	own := true
	for _, name := range names {
		own = own && name != w.config.Project
	}
	if own && w.guard.Allow.Project(w.config.Project) {
		names = append([]string{w.config.Project}, names...)
	}
	var out warehouse.Listing
	for _, name := range names {
		out.Entries = append(out.Entries, warehouse.Entry{Kind: warehouse.ProjectEntry, Ref: warehouse.TableRef{Project: name}})
	}
	return out
}

func (w *Warehouse) datasets(ctx context.Context, project string, page warehouse.Page) (warehouse.Listing, error) {
	var list []*bigquery.Dataset
	all := w.client.Datasets(ctx)
	all.ProjectID = project
	next, err := iterator.NewPager(all, page.Size, page.Token).NextPage(&list)
	if err != nil {
		return warehouse.Listing{}, w.explain(ctx, err, nil)
	}
	out := warehouse.Listing{Next: next}
	for _, d := range list {
		if w.guard.Allow.Dataset(d.ProjectID, d.DatasetID) {
			out.Entries = append(out.Entries, warehouse.Entry{Kind: warehouse.DatasetEntry,
				Ref: warehouse.TableRef{Project: d.ProjectID, Dataset: d.DatasetID}})
		}
	}
	return out, nil
}

// tables asks the generated client, which tells the tables' types.
func (w *Warehouse) tables(ctx context.Context, under warehouse.Place, page warehouse.Page) (warehouse.Listing, error) {
	list, err := retried(ctx, func() (*bq.TableList, error) {
		return w.jobs.Tables.List(under.Project, under.Dataset).MaxResults(int64(page.Size)).PageToken(page.Token).Context(ctx).Do()
	})
	if err != nil {
		return warehouse.Listing{}, w.explain(ctx, err, nil)
	}
	out := warehouse.Listing{Next: list.NextPageToken}
	for _, t := range list.Tables {
		ref := refOf(t.TableReference)
		if w.guard.Allow.Table(ref) {
			out.Entries = append(out.Entries, warehouse.Entry{Kind: warehouse.TableEntry, Ref: ref, Label: t.FriendlyName, Type: warehouse.TableType(t.Type)})
		}
	}
	return out, nil
}

func refOf(r *bq.TableReference) warehouse.TableRef {
	if r == nil {
		return warehouse.TableRef{}
	}
	return warehouse.TableRef{Project: r.ProjectId, Dataset: r.DatasetId, Table: r.TableId}
}
