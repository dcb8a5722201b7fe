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
		field.Text("name").Comment("As the DataFrame has it: unique, never empty. A field of a record has its path, with dots."),
		field.String("type").MaxLen(32).Comment("BigQuery's names: STRING, INTEGER, FLOAT, BOOLEAN, DATE, TIMESTAMP, ARRAY<STRING>, …"),
		field.Text("description").Default(""),
		field.Text("source_description").Default("").
			Comment("What the source says it means. Where the description is another, it is a person's and stays."),
		field.Int64("null_count").NonNegative().Optional().Nillable().Comment("Null where nobody counted: in warehouses."),
		field.Int64("distinct_count").NonNegative().Optional().Nillable().Comment("Likewise."),
		field.Text("min").Optional().Nillable().Comment("Of a warehouse's table: in the rows of the preview."),
		field.Text("max").Optional().Nillable().Comment("Likewise."),
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
