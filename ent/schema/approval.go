package schema

import (
	"encoding/json"

	"entgo.io/contrib/entgql"
	"entgo.io/ent"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"

	"github.com/mark-analyst/mark/internal/ids"
)

// Approval is a person's decision on a call that must not be made without one.
type Approval struct{ ent.Schema }

// Mixin of Approval.
func (Approval) Mixin() []ent.Mixin {
	return []ent.Mixin{identified{prefix: ids.Approval}, owned{unlisted: true}}
}

// Fields of Approval.
func (Approval) Fields() []ent.Field {
	return []ent.Field{
		field.String("run_id").MaxLen(64).Immutable(),
		field.String("step_id").MaxLen(64).Immutable(),
		field.Enum("state").NamedValues(
			"Pending", "PENDING", "Approved", "APPROVED", "Rejected", "REJECTED", "Withdrawn", "WITHDRAWN",
		).Default("PENDING"),
		field.String("tool").MaxLen(64).Immutable(),
		field.JSON("request", json.RawMessage{}).Immutable().
			Comment("What is to be decided on, in the encoding of package agent (approval.go)."),
		field.Text("note").Optional().Comment("What the person said to the decision."),
		field.Time("decided_at").SchemaType(timeType).Optional().Nillable(),
	}
}

// Edges of Approval.
func (Approval) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("run", Run.Type).Ref("approvals").Field("run_id").Unique().Required().Immutable(),
		edge.From("step", Step.Type).Ref("approvals").Field("step_id").Unique().Required().Immutable().
			Annotations(entgql.Skip(entgql.SkipAll)),
	}
}

// Indexes of Approval.
func (Approval) Indexes() []ent.Index {
	return []ent.Index{index.Fields("run_id"), index.Fields("step_id")}
}
