package schema

import (
	"encoding/json"

	"entgo.io/contrib/entgql"
	"entgo.io/ent"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
)

// Event is one line of a run's log. Rows are written by package eventlog in
// raw multi-row statements and never changed.
type Event struct{ ent.Schema }

// Mixin of Event. Nobody asks for a person's events across runs, and an index
// for that would cost every event a tenth of what writing it does.
func (Event) Mixin() []ent.Mixin { return []ent.Mixin{owned{unlisted: true}} }

// Annotations of Event.
func (Event) Annotations() []schema.Annotation {
	return []schema.Annotation{entgql.Skip(entgql.SkipAll)}
}

// Fields of Event.
func (Event) Fields() []ent.Field {
	return []ent.Field{
		field.Int64("id"),
		field.String("run_id").MaxLen(64).Immutable(),
		field.Int("seq").Positive().Immutable().Comment("From 1, gapless in its run."),
		field.Time("created_at").SchemaType(timeType).Immutable(),
		field.String("kind").MaxLen(64).Immutable().Comment("The GraphQL type's name: RunStarted, TextDelta, …"),
		field.JSON("body", json.RawMessage{}).Immutable(),
	}
}

// Edges of Event.
func (Event) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("run", Run.Type).Ref("events").Field("run_id").Unique().Required().Immutable(),
	}
}

// Indexes of Event.
func (Event) Indexes() []ent.Index { return []ent.Index{index.Fields("run_id", "seq").Unique()} }
