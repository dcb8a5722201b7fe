package resolvers

import (
	"context"
	"fmt"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vikstrous/dataloadgen"

	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/approval"
	"github.com/mark-analyst/mark/ent/column"
	"github.com/mark-analyst/mark/ent/dataset"
	"github.com/mark-analyst/mark/ent/message"
	"github.com/mark-analyst/mark/ent/run"
	"github.com/mark-analyst/mark/ent/step"
)

// loaders gather what many objects of one response ask for into one statement
// each, where ent's eager loading does not reach: relations that the contract
// draws differently from the data model.
type loaders struct {
	messageRun *dataloadgen.Loader[runOf, *ent.Run]       // by message
	activeRun  *dataloadgen.Loader[runOf, *ent.Run]       // by chat
	message    *dataloadgen.Loader[string, *ent.Message]  // by id
	columns    *dataloadgen.Loader[string, []*ent.Column] // by dataset
	dataset    *dataloadgen.Loader[string, *ent.Dataset]  // by id
	// chatDatasets are a chat's, with no more than what they are ordered by.
	chatDatasets *dataloadgen.Loader[string, []*ent.Dataset]
	steps        *dataloadgen.Loader[string, []*ent.Step]     // by run
	step         *dataloadgen.Loader[string, *ent.Step]       // by id
	run          *dataloadgen.Loader[string, *ent.Run]        // by id
	approvals    *dataloadgen.Loader[string, []*ent.Approval] // by run
}

// runOf asks for the run of an object, and says what of the run's own relations
// is asked for.
type runOf struct {
	id           string
	chat, answer bool
}

// wanted is a runOf for a field that returns a Run.
func wanted(ctx context.Context, id string) runOf {
	of := runOf{id: id}
	for _, f := range graphql.CollectFieldsCtx(ctx, nil) {
		of.chat = of.chat || f.Name == "chat"
		of.answer = of.answer || f.Name == "answer"
	}
	return of
}

// batch bounds how many keys go into one statement; a page of chats with full
// pages of messages makes 10,000 keys, and SQLite takes 32,766 arguments.
const batch = 5_000

// gather is how long a loader waits for more keys. gqlgen resolves the fields
// of a page at once, so most come within it: of 200 messages with their runs
// and steps, 8 statements in 12 ms; with dataloadgen's usual 16 ms, 6 in 40.
const gather = 2 * time.Millisecond

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
		messageRun: loader("the runs of messages", func(ctx context.Context, keys []runOf) (map[runOf]*ent.Run, error) {
			list, with := unpack(keys)
			q := client.Run.Query().Where(run.Or(run.QuestionIDIn(list...), run.AnswerIDIn(list...)))
			runs, err := with(q).All(ctx)
			if err != nil {
				return nil, err
			}
			byMessage := map[string]*ent.Run{}
			for _, r := range runs { // of several that answer one question, the latest
				byMessage[r.QuestionID] = r
				if r.AnswerID != nil {
					byMessage[*r.AnswerID] = r
				}
			}
			return pack(keys, byMessage), nil
		}),
		activeRun: loader("the active runs of chats", func(ctx context.Context, keys []runOf) (map[runOf]*ent.Run, error) {
			list, with := unpack(keys)
			q := client.Run.Query().Where(run.ChatIDIn(list...), run.StateIn(run.StateRunning, run.StateWaiting, run.StateQueued))
			runs, err := with(q).All(ctx)
			if err != nil {
				return nil, err
			}
			byChat := map[string]*ent.Run{}
			for _, r := range runs { // of several that wait, the one whose turn it is
				if byChat[r.ChatID] == nil {
					byChat[r.ChatID] = r
				}
			}
			return pack(keys, byChat), nil
		}),
		message: loader("messages", func(ctx context.Context, list []string) (map[string]*ent.Message, error) {
			messages, err := client.Message.Query().Where(message.IDIn(list...)).All(ctx)
			return index(list, messages, func(m *ent.Message) string { return m.ID }), err
		}),
		dataset: loader("datasets", func(ctx context.Context, list []string) (map[string]*ent.Dataset, error) {
			datasets, err := client.Dataset.Query().Where(dataset.IDIn(list...)).All(ctx)
			return index(list, datasets, func(d *ent.Dataset) string { return d.ID }), err
		}),
		chatDatasets: loader("the datasets of chats", func(ctx context.Context, chats []string) (map[string][]*ent.Dataset, error) {
			return datasetsOfChats(ctx, client, chats)
		}),
		columns: loader("columns", func(ctx context.Context, datasets []string) (map[string][]*ent.Column, error) {
			columns, err := client.Column.Query().Where(column.DatasetIDIn(datasets...)).
				Order(ent.Asc(column.FieldPosition)).All(ctx)
			return group(datasets, columns, func(c *ent.Column) string { return c.DatasetID }), err
		}),
		steps: loader("steps", func(ctx context.Context, runs []string) (map[string][]*ent.Step, error) {
			steps, err := client.Step.Query().Where(step.RunIDIn(runs...)).Order(ent.Asc(step.FieldIndex)).All(ctx)
			return group(runs, steps, func(s *ent.Step) string { return s.RunID }), err
		}),
		run: loader("runs by id", func(ctx context.Context, list []string) (map[string]*ent.Run, error) {
			runs, err := client.Run.Query().Where(run.IDIn(list...)).All(ctx)
			return index(list, runs, func(r *ent.Run) string { return r.ID }), err
		}),
		approvals: loader("approvals", func(ctx context.Context, runs []string) (map[string][]*ent.Approval, error) {
			approvals, err := client.Approval.Query().Where(approval.RunIDIn(runs...)).
				Order(ent.Asc(approval.FieldCreatedAt), ent.Asc(approval.FieldID)).All(ctx)
			return group(runs, approvals, func(a *ent.Approval) string { return a.RunID }), err
		}),
		step: loader("steps by id", func(ctx context.Context, list []string) (map[string]*ent.Step, error) {
			steps, err := client.Step.Query().Where(step.IDIn(list...)).All(ctx)
			return index(list, steps, func(s *ent.Step) string { return s.ID }), err
		}),
	}
}

func loader[K comparable, V any](what string, fetch func(context.Context, []K) (map[K]V, error)) *dataloadgen.Loader[K, V] {
	return dataloadgen.NewMappedLoader(func(ctx context.Context, keys []K) (map[K]V, error) {
		found, err := fetch(ctx, keys)
		if err != nil {
			return nil, fmt.Errorf("load %s: %w", what, err)
		}
		return found, nil
	}, dataloadgen.WithBatchCapacity(batch), dataloadgen.WithWait(gather))
}

// unpack gives the ids of the keys, and what makes a query of runs load in
// order what any of the keys asks for.
func unpack(keys []runOf) (list []string, with func(*ent.RunQuery) *ent.RunQuery) {
	var chat, answer bool
	for _, k := range keys {
		list = append(list, k.id)
		chat, answer = chat || k.chat, answer || k.answer
	}
	return list, func(q *ent.RunQuery) *ent.RunQuery {
		if chat {
			q.WithChat()
		}
		if answer {
			q.WithAnswer()
		}
		return q.Order(ent.Asc(run.FieldCreatedAt), ent.Asc(run.FieldID))
	}
}

func pack(keys []runOf, runs map[string]*ent.Run) map[runOf]*ent.Run {
	out := make(map[runOf]*ent.Run, len(keys))
	for _, k := range keys {
		out[k] = runs[k.id]
	}
	return out
}

// index has the row of each key; what is not there is nil and no error.
func index[V any](keys []string, rows []*V, key func(*V) string) map[string]*V {
	out := make(map[string]*V, len(keys))
	for _, k := range keys {
		out[k] = nil
	}
	for _, r := range rows {
		out[key(r)] = r
	}
	return out
}

// group has the rows of each key, in their order; none is an empty list.
func group[V any](keys []string, rows []*V, key func(*V) string) map[string][]*V {
	out := make(map[string][]*V, len(keys))
	for _, k := range keys {
		out[k] = nil
	}
	for _, r := range rows {
		out[key(r)] = append(out[key(r)], r)
	}
	return out
}
