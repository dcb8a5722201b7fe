package resolvers

import (
	"context"

	"github.com/mark-analyst/mark/auth"
	"github.com/mark-analyst/mark/ent"
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

func (r queryResolver) Server(context.Context) (*model.ServerInfo, error) { return r.Info(), nil }

// tables tells by an id's prefix where its object is; what is not here is no
// Node of the contract.
var tables = map[string]string{
	ids.User: "users", ids.Chat: "chats", ids.Message: "messages", ids.Run: "runs",
	ids.Step: "steps", ids.Dataset: "datasets", ids.Artifact: "artifacts",
}

func (r queryResolver) Node(ctx context.Context, id string) (ent.Noder, error) {
	if _, err := auth.Require(ctx); err != nil {
		return nil, err
	}
	table, ok := tables[ids.Prefix(id)]
	if !ok {
		return nil, nil
	}
	n, err := r.Client.Noder(ctx, id, ent.WithFixedNodeType(table))
	if ent.IsNotFound(err) {
		return nil, nil
	}
	return n, err
}

func (r queryResolver) Nodes(ctx context.Context, list []string) ([]ent.Noder, error) {
	if _, err := auth.Require(ctx); err != nil {
		return nil, err
	}
	if len(list) > maxNodes {
		return nil, fault.New(fault.LimitExceeded, "At most %d ids at once.", maxNodes).OnField("ids")
	}
	out := make([]ent.Noder, len(list))
	for i, id := range list {
		n, err := r.Node(ctx, id)
		if err != nil {
			return nil, err
		}
		out[i] = n
	}
	return out, nil
}
