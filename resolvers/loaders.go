package resolvers

import (
	"context"
	"fmt"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vikstrous/dataloadgen"

	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/column"
	"github.com/mark-analyst/mark/ent/run"
	"github.com/mark-analyst/mark/ent/step"
)

// loaders gather what many objects of one response ask for into one statement
// each, where ent's eager loading does not reach: relations that the contract
// draws differently from the data model.
type loaders struct {
	messageRun *dataloadgen.Loader[string, *ent.Run]      // by message
	columns    *dataloadgen.Loader[string, []*ent.Column] // by dataset
	steps      *dataloadgen.Loader[string, []*ent.Step]   // by run
	step       *dataloadgen.Loader[string, *ent.Step]     // by id
}

// Loading is a gqlgen extension that gives each response its own loaders, so
// that nothing is remembered from one event of a subscription to the next.
type Loading struct{ Client *ent.Client }

var _ interface {
	graphql.HandlerExtension
	graphql.ResponseInterceptor
} = Loading{}

// ExtensionName implements graphql.HandlerExtension.
func (Loading) ExtensionName() string { return "Loading" }

// Validate implements graphql.HandlerExtension.
func (Loading) Validate(graphql.ExecutableSchema) error { return nil }

// InterceptResponse implements graphql.ResponseInterceptor.
func (l Loading) InterceptResponse(ctx context.Context, next graphql.ResponseHandler) *graphql.Response {
	return next(context.WithValue(ctx, loadersKey{}, newLoaders(l.Client)))
}

// Extensions are what the server must execute the schema with.
func Extensions(client *ent.Client) []graphql.HandlerExtension {
	return []graphql.HandlerExtension{Pages{}, Loading{Client: client}}
}

type loadersKey struct{}

// load gives the loaders of the response; outside of one each call has its own.
func (r *Resolver) load(ctx context.Context) *loaders {
	if l, ok := ctx.Value(loadersKey{}).(*loaders); ok {
		return l
	}
	return newLoaders(r.Client)
}

func newLoaders(client *ent.Client) *loaders {
	return &loaders{
		messageRun: dataloadgen.NewMappedLoader(func(ctx context.Context, messages []string) (map[string]*ent.Run, error) {
			runs, err := client.Run.Query().Where(run.Or(run.QuestionIDIn(messages...), run.AnswerIDIn(messages...))).
				Order(ent.Asc(run.FieldCreatedAt), ent.Asc(run.FieldID)).All(ctx)
			if err != nil {
				return nil, fmt.Errorf("load the runs of messages: %w", err)
			}
			out := absent[*ent.Run](messages)
			for _, r := range runs { // of several that answer one question, the latest
				out[r.QuestionID] = r
				if r.AnswerID != nil {
					out[*r.AnswerID] = r
				}
			}
			return out, nil
		}),
		columns: dataloadgen.NewMappedLoader(func(ctx context.Context, datasets []string) (map[string][]*ent.Column, error) {
			columns, err := client.Column.Query().Where(column.DatasetIDIn(datasets...)).
				Order(ent.Asc(column.FieldPosition)).All(ctx)
			if err != nil {
				return nil, fmt.Errorf("load columns: %w", err)
			}
			out := absent[[]*ent.Column](datasets)
			for _, c := range columns {
				out[c.DatasetID] = append(out[c.DatasetID], c)
			}
			return out, nil
		}),
		steps: dataloadgen.NewMappedLoader(func(ctx context.Context, runs []string) (map[string][]*ent.Step, error) {
			steps, err := client.Step.Query().Where(step.RunIDIn(runs...)).Order(ent.Asc(step.FieldIndex)).All(ctx)
			if err != nil {
				return nil, fmt.Errorf("load steps: %w", err)
			}
			out := absent[[]*ent.Step](runs)
			for _, s := range steps {
				out[s.RunID] = append(out[s.RunID], s)
			}
			return out, nil
		}),
		step: dataloadgen.NewMappedLoader(func(ctx context.Context, list []string) (map[string]*ent.Step, error) {
			steps, err := client.Step.Query().Where(step.IDIn(list...)).All(ctx)
			if err != nil {
				return nil, fmt.Errorf("load steps: %w", err)
			}
			out := absent[*ent.Step](list)
			for _, s := range steps {
				out[s.ID] = s
			}
			return out, nil
		}),
	}
}

// absent is an entry for each key, so that what is not there is nil and no error.
func absent[V any](keys []string) map[string]V {
	out := make(map[string]V, len(keys))
	var none V
	for _, k := range keys {
		out[k] = none
	}
	return out
}
