package resolvers

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/mark-analyst/mark/auth"
	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/column"
	"github.com/mark-analyst/mark/graph/model"
	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/internal/fault"
	"github.com/mark-analyst/mark/internal/ids"
	"github.com/mark-analyst/mark/internal/storable"
	"github.com/mark-analyst/mark/internal/untrusted"
)

// The bounds of what people write about a dataset, characters.
const (
	maxDatasetName       = 200
	maxDescription       = 4_000
	maxColumnDescription = 1_000
)

func (r datasetResolver) Error(_ context.Context, d *ent.Dataset) (*model.Error, error) {
	return failure(d.ErrorCode, d.ErrorMessage), nil
}

func (r datasetResolver) Format(_ context.Context, d *ent.Dataset) (*string, error) {
	return optional(d.Format), nil
}

func (r datasetResolver) Columns(ctx context.Context, d *ent.Dataset) ([]*ent.Column, error) {
	return r.load(ctx).columns.Load(ctx, d.ID)
}

func (r datasetResolver) Sample(_ context.Context, d *ent.Dataset) (*model.Table, error) {
	if len(d.Sample) == 0 {
		return nil, nil
	}
	var t execution.Table
	if err := json.Unmarshal(d.Sample, &t); err != nil {
		return nil, fmt.Errorf("read a stored sample: %w", err)
	}
	return table(&t), nil
}

func (r datasetResolver) Notes(_ context.Context, d *ent.Dataset) ([]string, error) {
	return append([]string{}, d.Notes...), nil
}

func (r columnResolver) SampleValues(_ context.Context, c *ent.Column) ([]string, error) {
	return append([]string{}, c.SampleValues...), nil
}

func (r mutationResolver) UploadDataset(ctx context.Context, in model.UploadDatasetInput) (*model.UploadDatasetPayload, error) {
	if _, err := auth.Require(ctx); err != nil {
		return nil, err
	}
	d, err := r.Datasets.Upload(ctx, deref(in.Name), in.File.Filename, in.File.File, in.ChatID)
	errs, err := problems[model.UploadDatasetError](err)
	if err != nil {
		return nil, err
	}
	return &model.UploadDatasetPayload{Dataset: d, Errors: errs}, nil
}

func (r mutationResolver) AddSampleDataset(ctx context.Context, in model.AddSampleDatasetInput) (*model.AddSampleDatasetPayload, error) {
	if _, err := auth.Require(ctx); err != nil {
		return nil, err
	}
	d, err := r.Datasets.AddSample(ctx, in.Name, in.ChatID)
	errs, err := problems[model.AddSampleDatasetError](err)
	if err != nil {
		return nil, err
	}
	return &model.AddSampleDatasetPayload{Dataset: d, Errors: errs}, nil
}

func (r mutationResolver) UpdateDataset(ctx context.Context, in model.UpdateDatasetInput) (*model.UpdateDatasetPayload, error) {
	if _, err := auth.Require(ctx); err != nil {
		return nil, err
	}
	d, err := r.updateDataset(ctx, in)
	errs, err := problems[model.UpdateDatasetError](err)
	if err != nil {
		return nil, err
	}
	return &model.UpdateDatasetPayload{Dataset: d, Errors: errs}, nil
}

// updateDataset makes all of the changes or none.
func (r mutationResolver) updateDataset(ctx context.Context, in model.UpdateDatasetInput) (*ent.Dataset, error) {
	if err := checkID(ids.Dataset, in.DatasetID, "datasetId", "dataset"); err != nil {
		return nil, err
	}
	tx, err := r.Client.Tx(ctx)
	if err != nil {
		return nil, err
	}
	d, err := writeDataset(ctx, tx, in)
	if err != nil {
		// After a failure the rollback's own error says nothing new.
		tx.Rollback() //nolint:errcheck
		if ent.IsNotFound(err) {
			return nil, missing("datasetId", "dataset")
		}
		return nil, err
	}
	if err := tx.Commit(); err != nil {
		return nil, fmt.Errorf("change a dataset: %w", err)
	}
	return d.Unwrap(), nil
}

func writeDataset(ctx context.Context, tx *ent.Tx, in model.UpdateDatasetInput) (*ent.Dataset, error) {
	change := tx.Dataset.UpdateOneID(in.DatasetID)
	if in.Name != nil {
		name := untrusted.Line(*in.Name)
		if err := checkText("name", name, 1, maxDatasetName); err != nil {
			return nil, err
		}
		change.SetName(name)
	}
	if in.Description != nil {
		if err := checkText("description", *in.Description, 0, maxDescription); err != nil {
			return nil, err
		}
		change.SetDescription(untrusted.Clean(*in.Description))
	}
	d, err := change.Save(ctx)
	if err != nil {
		return nil, err
	}
	for _, c := range in.Columns {
		if err := checkText("columns", c.Description, 0, maxColumnDescription); err != nil {
			return nil, err
		}
		noColumn := fault.New(fault.NotFound, "The dataset has no column of the name %q.", c.Name).OnField("columns")
		if storable.Text(c.Name) != c.Name {
			return nil, noColumn // no stored name holds such characters
		}
		n, err := tx.Column.Update().Where(column.DatasetID(d.ID), column.Name(c.Name)).
			SetDescription(untrusted.Clean(c.Description)).Save(ctx)
		if err != nil {
			return nil, fmt.Errorf("describe a column: %w", err)
		}
		if n == 0 {
			return nil, noColumn
		}
	}
	return d, nil
}

func (r mutationResolver) DeleteDataset(ctx context.Context, in model.DeleteDatasetInput) (*model.DeleteDatasetPayload, error) {
	if _, err := auth.Require(ctx); err != nil {
		return nil, err
	}
	err := r.Datasets.Delete(ctx, in.DatasetID)
	errs, err := problems[model.DeleteDatasetError](err)
	if err != nil {
		return nil, err
	}
	out := &model.DeleteDatasetPayload{Errors: errs}
	if len(errs) == 0 {
		out.DeletedDatasetID = &in.DatasetID
	}
	return out, nil
}
