package resolvers

import (
	"context"
	"encoding/json"

	"github.com/mark-analyst/mark/agent"
	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/graph/model"
	"github.com/mark-analyst/mark/internal/execution"
)

func (r stepResolver) Outputs(_ context.Context, s *ent.Step) ([]*model.Output, error) {
	stored, err := agent.Outputs(s.Outputs)
	if err != nil {
		return nil, err
	}
	out := make([]*model.Output, len(stored))
	for i, o := range stored {
		out[i] = output(o)
	}
	return out, nil
}

func (r stepResolver) Tool(_ context.Context, s *ent.Step) (*string, error) {
	return optional(s.Tool), nil
}

func (r stepResolver) Code(_ context.Context, s *ent.Step) (*string, error) {
	code, _ := codeOrSQL(s.Tool, s.Code)
	return code, nil
}

func (r stepResolver) SQL(_ context.Context, s *ent.Step) (*string, error) {
	_, sql := codeOrSQL(s.Tool, s.Code)
	return sql, nil
}

// codeOrSQL is what a step runs, in the field of its language.
func codeOrSQL(tool, text string) (code, sql *string) {
	if tool == agent.ToolRunSQL {
		return nil, optional(text)
	}
	return optional(text), nil
}

func (r stepResolver) Edited(ctx context.Context, s *ent.Step) (bool, error) {
	run, err := r.load(ctx).run.Load(ctx, s.RunID)
	return run != nil && run.EditedIndex == s.Index, err
}

func (r stepResolver) CopiedFrom(_ context.Context, s *ent.Step) (*string, error) {
	return optional(s.CopiedFrom), nil
}

func (r stepResolver) Error(_ context.Context, s *ent.Step) (*model.Error, error) {
	return failure(s.ErrorCode, s.ErrorMessage), nil
}

func (r artifactResolver) URL(_ context.Context, a *ent.Artifact) (string, error) {
	return r.SignURL(a.ID, a.Name), nil
}

func output(o agent.Output) *model.Output {
	return &model.Output{
		Name: o.Name, Title: optional(o.Title), MimeType: o.MIME, Text: optional(o.Text),
		JSON: o.JSON, Table: table(o.Table), Artifact: storedFile(o.Artifact),
	}
}

func table(t *execution.Table) *model.Table {
	if t == nil {
		return nil
	}
	rows, err := json.Marshal(t.Rows)
	if err != nil || t.Rows == nil {
		rows = json.RawMessage("[]")
	}
	columns := t.Columns
	if columns == nil {
		columns = []string{}
	}
	return &model.Table{Columns: columns, Rows: rows, RowCount: t.RowCount, Truncated: t.Truncated}
}

// storedFile is the file of an output. What is shown of it is stored with the
// output, so that it costs no query.
func storedFile(a *agent.Artifact) *ent.Artifact {
	if a == nil {
		return nil
	}
	return &ent.Artifact{ID: a.ID, Name: a.Name, MimeType: a.MIME, SizeBytes: a.SizeBytes, CreatedAt: a.CreatedAt}
}

// failure is nil where there is no code.
func failure(code, message string) *model.Error {
	if code == "" {
		return nil
	}
	return &model.Error{Code: code, Message: message}
}
