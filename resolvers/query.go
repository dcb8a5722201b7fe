package resolvers

import (
	"context"
	"fmt"
	"maps"
	"reflect"

	"github.com/mark-analyst/mark/auth"
	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/approval"
	"github.com/mark-analyst/mark/ent/artifact"
	"github.com/mark-analyst/mark/ent/chat"
	"github.com/mark-analyst/mark/ent/dataset"
	"github.com/mark-analyst/mark/ent/message"
	"github.com/mark-analyst/mark/ent/run"
	"github.com/mark-analyst/mark/ent/step"
	"github.com/mark-analyst/mark/ent/user"
	"github.com/mark-analyst/mark/graph/model"
	"github.com/mark-analyst/mark/internal/fault"
	"github.com/mark-analyst/mark/internal/ids"
)

// maxNodes is how many ids `nodes` takes.
const maxNodes = 100

func (r queryResolver) Viewer(ctx context.Context) (*ent.User, error) {
	v, ok := auth.FromContext(ctx)
	if !ok {
		return nil, nil
	}
	u, err := r.Client.User.Query().Where(user.ID(v.UserID)).Only(ctx)
	if ent.IsNotFound(err) {
		return nil, nil
	}
	return u, err
}

func (r queryResolver) Server(ctx context.Context) (*model.ServerInfo, error) {
	info := r.Info()
	_, known := auth.FromContext(ctx)
	info.Warehouses = []*model.Warehouse{}
	for _, w := range r.Warehouses {
		c := w.Connection()
		of := &model.Warehouse{Name: c.Name, Dialect: string(c.Dialect)}
		if known { // whose data are where is nobody else's to know
			of.Project, of.Location = optional(c.Project), optional(c.Location)
		}
		info.Warehouses = append(info.Warehouses, of)
	}
	return info, nil
}

func (r queryResolver) Node(ctx context.Context, id string) (ent.Noder, error) {
	if _, err := auth.Require(ctx); err != nil {
		return nil, err
	}
	found, err := r.find(ctx, ids.Prefix(id), []string{id})
	if err != nil {
		return nil, err
	}
	return found[id], nil
}

func (r queryResolver) Nodes(ctx context.Context, list []string) ([]ent.Noder, error) {
	if _, err := auth.Require(ctx); err != nil {
		return nil, err
	}
	if len(list) > maxNodes {
		return nil, fault.New(fault.LimitExceeded, "At most %d ids at once.", maxNodes).OnField("ids")
	}
	byPrefix := map[string][]string{}
	for _, id := range list {
		prefix := ids.Prefix(id)
		byPrefix[prefix] = append(byPrefix[prefix], id)
	}
	found := map[string]ent.Noder{}
	for prefix, some := range byPrefix {
		objects, err := r.find(ctx, prefix, some)
		if err != nil {
			return nil, err
		}
		maps.Copy(found, objects)
	}
	out := make([]ent.Noder, len(list))
	for i, id := range list {
		out[i] = found[id]
	}
	return out, nil
}

// find returns those objects of one type that the viewer has, with what the
// selection asks for. A prefix that is not here is no Node of the contract's.
func (r queryResolver) find(ctx context.Context, prefix string, list []string) (map[string]ent.Noder, error) {
	switch c := r.Client; prefix {
	case ids.User:
		return nodes(ctx, c.User.Query().Where(user.IDIn(list...)), func(o *ent.User) string { return o.ID })
	case ids.Chat:
		return nodes(ctx, c.Chat.Query().Where(chat.IDIn(list...)), func(o *ent.Chat) string { return o.ID })
	case ids.Message:
		return nodes(ctx, c.Message.Query().Where(message.IDIn(list...)), func(o *ent.Message) string { return o.ID })
	case ids.Run:
		return nodes(ctx, c.Run.Query().Where(run.IDIn(list...)), func(o *ent.Run) string { return o.ID })
	case ids.Step:
		return nodes(ctx, c.Step.Query().Where(step.IDIn(list...)), func(o *ent.Step) string { return o.ID })
	case ids.Dataset:
		return nodes(ctx, c.Dataset.Query().Where(dataset.IDIn(list...)), func(o *ent.Dataset) string { return o.ID })
	case ids.Approval:
		return nodes(ctx, c.Approval.Query().Where(approval.IDIn(list...)), func(o *ent.Approval) string { return o.ID })
	case ids.Artifact:
		return nodes(ctx, c.Artifact.Query().Where(artifact.IDIn(list...)), func(o *ent.Artifact) string { return o.ID })
	}
	return nil, nil
}

// query is one of ent's queries for objects of the type T.
type query[Q, T any] interface {
	CollectFields(ctx context.Context, satisfies ...string) (Q, error)
	All(ctx context.Context) ([]T, error)
}

// nodes loads objects by their ids.
func nodes[Q query[Q, T], T ent.Noder](ctx context.Context, q Q, id func(T) string) (map[string]ent.Noder, error) {
	var object T
	typeName := reflect.TypeOf(object).Elem().Name()
	q, err := q.CollectFields(ctx, typeName, "Node")
	if err != nil {
		return nil, fmt.Errorf("look for a %s: %w", typeName, err)
	}
	objects, err := q.All(ctx)
	if err != nil {
		return nil, fmt.Errorf("look for a %s: %w", typeName, err)
	}
	out := make(map[string]ent.Noder, len(objects))
	for _, o := range objects {
		out[id(o)] = o
	}
	return out, nil
}
