package bigquery

import (
	"context"

	"cloud.google.com/go/bigquery"
	bq "google.golang.org/api/bigquery/v2"

	"github.com/mark-analyst/mark/warehouse"
)

// maxSampleRows is the most that a preview shows.
const maxSampleRows = 100

// Table implements warehouse.Warehouse: tables.get, and tabledata.list for the
// rows. Neither costs.
func (w *Warehouse) Table(ctx context.Context, ref warehouse.TableRef, options warehouse.TableOptions) (*warehouse.Table, error) {
	ctx, cancel := w.brief(ctx)
	defer cancel()
	if ref.Project == "" {
		ref.Project = w.config.Project
	}
	if !w.guard.Allow.Table(ref) {
		return nil, notThere(ref.String())
	}
	md, err := w.client.DatasetInProject(ref.Project, ref.Dataset).Table(ref.Table).Metadata(ctx)
	if err != nil {
		failure := w.explain(ctx, err, nil)
		if failure.Code == warehouse.CodeNotFound {
			failure.Suggestions = w.nearestTables(ctx, ref)
		}
		return nil, failure
	}
	out := describe(ref, md)
	if n := min(options.SampleRows, maxSampleRows); n > 0 && previewable(out.Type) {
		out.Sample, out.SampleError = w.sample(ctx, ref, out.Columns, n)
	}
	return out, nil
}

// previewable tells whether rows can be had without a query.
func previewable(t warehouse.TableType) bool {
	return t == warehouse.BaseTable || t == warehouse.Snapshot || t == warehouse.MaterializedView
}

func (w *Warehouse) sample(ctx context.Context, ref warehouse.TableRef, columns []warehouse.Column, n int) ([][]any, *warehouse.Error) {
	rows := [][]any{}
	for token := ""; len(rows) < n; {
		part, err := retried(ctx, func() (*bq.TableDataList, error) {
			return w.jobs.Tabledata.List(ref.Project, ref.Dataset, ref.Table).PageToken(token).
				MaxResults(int64(n - len(rows))).FormatOptionsUseInt64Timestamp(true).Context(ctx).Do()
		})
		if err != nil {
			return nil, w.explain(ctx, err, nil)
		}
		for _, row := range part.Rows {
			read, err := values(row, columns)
			if err != nil {
				return nil, w.explain(ctx, err, nil)
			}
			rows = append(rows, read)
		}
		if token = part.PageToken; token == "" {
			break
		}
	}
	return rows, nil
}

func describe(ref warehouse.TableRef, md *bigquery.TableMetadata) *warehouse.Table {
	out := &warehouse.Table{
		Ref: ref, Type: warehouse.TableType(md.Type), Label: md.Name, Description: md.Description,
		Rows: int64(md.NumRows), Bytes: md.NumBytes, Created: md.CreationTime, Modified: md.LastModifiedTime,
		Location: md.Location, Etag: md.ETag, Columns: columns(md.Schema), Fields: flatten(md.Schema),
		Partitioning: partitioning(md),
	}
	if out.Type == warehouse.View || out.Type == warehouse.ExternalTable {
		out.Rows, out.Bytes = -1, -1
	}
	if md.Clustering != nil {
		out.Clustering = md.Clustering.Fields
	}
	return out
}

func partitioning(md *bigquery.TableMetadata) *warehouse.Partitioning {
	switch {
	case md.TimePartitioning != nil:
		return &warehouse.Partitioning{Column: md.TimePartitioning.Field, Type: string(md.TimePartitioning.Type),
			FilterRequired: md.RequirePartitionFilter || md.TimePartitioning.RequirePartitionFilter}
	case md.RangePartitioning != nil:
		out := &warehouse.Partitioning{Column: md.RangePartitioning.Field, Type: "RANGE", FilterRequired: md.RequirePartitionFilter}
		if r := md.RangePartitioning.Range; r != nil {
			out.Start, out.End, out.Step = r.Start, r.End, r.Interval
		}
		return out
	}
	return nil
}
