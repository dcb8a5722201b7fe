package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"

	"github.com/mark-analyst/mark/internal/ids"
)

// Column is a column of a dataset with what profiling found in it.
type Column struct{ ent.Schema }

// Mixin of Column.
func (Column) Mixin() []ent.Mixin { return []ent.Mixin{identified{prefix: ids.Column}, owned{}} }

// Fields of Column.
func (Column) Fields() []ent.Field {
	return []ent.Field{
		field.String("dataset_id").MaxLen(64).Immutable(),
		field.Int("position").NonNegative().Immutable().Comment("From 0, in the file's order."),
		field.Text("name").Comment("As the DataFrame has it: unique, never empty."),
		field.String("type").MaxLen(32).Comment("BigQuery's names: STRING, INTEGER, FLOAT, BOOLEAN, DATE, TIMESTAMP, …"),
		field.Text("description").Default(""),
		field.Int64("null_count").NonNegative(),
		field.Int64("distinct_count").NonNegative(),
		field.Text("min").Optional().Nillable(),
		field.Text("max").Optional().Nillable(),
		field.JSON("sample_values", []string{}).Optional(),
	}
}

// Edges of Column.
func (Column) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("dataset", Dataset.Type).Ref("columns").Field("dataset_id").Unique().Required().Immutable(),
	}
}

// Indexes of Column.
func (Column) Indexes() []ent.Index {
	return []ent.Index{index.Fields("dataset_id", "position").Unique()}
}
