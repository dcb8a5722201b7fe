package auth

import (
	"context"
	"fmt"
	"reflect"
	"strings"

	entgo "entgo.io/ent"
	"entgo.io/ent/dialect/sql"

	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/intercept"
	"github.com/mark-analyst/mark/internal/owned"
)

// edgeOf names an edge as mutations do.
type edgeOf struct{ typ, edge string }

// edgeTargets lists the types at the ends of all edges, as the generated
// structs have them: ChatEdges{Messages []*Message `json:"messages,omitempty"`}.
// Being derived, it cannot miss an edge that is added to the schema.
func edgeTargets() map[edgeOf]string {
	targets := map[edgeOf]string{}
	for _, row := range []any{
		ent.Approval{}, ent.Artifact{}, ent.Chat{}, ent.Column{}, ent.Dataset{}, ent.Event{}, ent.Memory{},
		ent.Message{}, ent.Run{}, ent.Session{}, ent.Step{}, ent.UsageDay{}, ent.User{},
	} {
		typ := reflect.TypeOf(row)
		edges, ok := typ.FieldByName("Edges")
		if !ok {
			continue
		}
		for i := range edges.Type.NumField() {
			field := edges.Type.Field(i)
			name, _, _ := strings.Cut(field.Tag.Get("json"), ",")
			if !field.IsExported() || name == "" || name == "-" {
				continue // bookkeeping
			}
			target := field.Type
			for target.Kind() == reflect.Slice || target.Kind() == reflect.Pointer {
				target = target.Elem()
			}
			targets[edgeOf{typ.Name(), name}] = target.Name()
		}
	}
	return targets
}

// visible refuses ids of rows that the viewer cannot see. The client is the
// mutation's, so that rows of the same transaction count; no statement looks for
// those that are known to be the viewer's.
func visible(ctx context.Context, c *ent.Client, typ string, ids []entgo.Value) error {
	distinct := map[any]struct{}{}
	values := make([]any, 0, len(ids))
	for _, id := range ids {
		if _, seen := distinct[id]; !seen && !owned.Known(ctx, typ, id) {
			distinct[id] = struct{}{}
			values = append(values, id)
		}
	}
	if len(values) == 0 {
		return nil
	}
	query, err := queryOf(c, typ)
	if err != nil {
		return err
	}
	wrapped, err := intercept.NewQuery(query)
	if err != nil {
		return fmt.Errorf("auth: %w", err)
	}
	wrapped.WhereP(func(s *sql.Selector) { s.Where(sql.In(s.C("id"), values...)) })
	found, err := query.Count(ctx)
	if err != nil {
		return fmt.Errorf("auth: look up a %s: %w", word(typ), err)
	}
	if found != len(values) {
		return notFound(typ)
	}
	return nil
}

type counter interface {
	Count(context.Context) (int, error)
}

// queryOf starts a query of a type.
func queryOf(c *ent.Client, typ string) (counter, error) {
	switch typ {
	case ent.TypeApproval:
		return c.Approval.Query(), nil
	case ent.TypeArtifact:
		return c.Artifact.Query(), nil
	case ent.TypeChat:
		return c.Chat.Query(), nil
	case ent.TypeColumn:
		return c.Column.Query(), nil
	case ent.TypeDataset:
		return c.Dataset.Query(), nil
	case ent.TypeEvent:
		return c.Event.Query(), nil
	case ent.TypeMemory:
		return c.Memory.Query(), nil
	case ent.TypeMessage:
		return c.Message.Query(), nil
	case ent.TypeRun:
		return c.Run.Query(), nil
	case ent.TypeSession:
		return c.Session.Query(), nil
	case ent.TypeStep:
		return c.Step.Query(), nil
	case ent.TypeUsageDay:
		return c.UsageDay.Query(), nil
	case ent.TypeUser:
		return c.User.Query(), nil
	}
	return nil, fmt.Errorf("auth: the type %s cannot be looked up", typ)
}

// word is a type's name in a sentence.
func word(typ string) string { return strings.ToLower(typ) }
