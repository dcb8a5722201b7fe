package schema

import (
	"entgo.io/contrib/entgql"
	"entgo.io/ent"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"

	"github.com/mark-analyst/mark/internal/ids"
)

// UsageDay is what a person used on a day. It grows in the transactions in which
// the usage of runs is stored, and stays when a chat is deleted with its runs: that
// gives no budget back. Rows are written by package agent in raw statements.
type UsageDay struct{ ent.Schema }

// Mixin of UsageDay.
func (UsageDay) Mixin() []ent.Mixin { return []ent.Mixin{owned{unlisted: true}} }

// Annotations of UsageDay.
func (UsageDay) Annotations() []schema.Annotation {
	return []schema.Annotation{entgql.Skip(entgql.SkipAll)}
}

// Fields of UsageDay.
func (UsageDay) Fields() []ent.Field {
	return []ent.Field{
		field.String("id").MaxLen(64).DefaultFunc(ids.For(ids.UsageDay)).Immutable(),
		field.String("day").MaxLen(10).Immutable().Comment("In UTC: 2026-01-31."),
		field.Int64("runs").Default(0).NonNegative().Comment("Questions asked."),
		field.Int64("tokens").Default(0).NonNegative().Comment("Sent to models and written by them."),
		field.Int64("cost_micros").Default(0).NonNegative().Comment("Of the models, millionths of a US dollar."),
		field.Int64("bytes_billed").Default(0).NonNegative().Comment("By warehouses, for queries."),
		field.Int64("python_ms").Default(0).NonNegative().Comment("Wall time of Python steps, milliseconds."),
		field.Int64("output_bytes").Default(0).NonNegative().Comment("What steps made."),
	}
}

// Edges of UsageDay.
func (UsageDay) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("owner", User.Type).Ref("usage_days").Field("owner_id").Unique().Required().Immutable(),
	}
}

// Indexes of UsageDay.
func (UsageDay) Indexes() []ent.Index { return []ent.Index{index.Fields("owner_id", "day").Unique()} }
