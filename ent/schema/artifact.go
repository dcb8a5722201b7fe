package schema

import (
	"entgo.io/contrib/entgql"
	"entgo.io/ent"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"

	"github.com/mark-analyst/mark/internal/ids"
)

// Artifact is a file that a step made: an image, a table as CSV, anything.
type Artifact struct{ ent.Schema }

// Mixin of Artifact.
func (Artifact) Mixin() []ent.Mixin { return []ent.Mixin{identified{prefix: ids.Artifact}, owned{}} }

// Fields of Artifact.
func (Artifact) Fields() []ent.Field {
	return []ent.Field{
		field.String("run_id").MaxLen(64).Immutable(),
		field.String("step_id").MaxLen(64).Immutable(),
		field.String("name").MaxLen(255).Immutable(),
		field.String("mime_type").MaxLen(255).Immutable().Comment("By content, not by name."),
		field.Int64("size_bytes").NonNegative().Immutable(),
		field.String("blob_key").MaxLen(255).Immutable(),
	}
}

// Indexes of Artifact.
func (Artifact) Indexes() []ent.Index {
	// Before a file is deleted it is asked who else has it.
	return []ent.Index{index.Fields("blob_key")}
}

// Edges of Artifact.
func (Artifact) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("run", Run.Type).Ref("artifacts").Field("run_id").Unique().Required().Immutable().
			Annotations(entgql.Skip(entgql.SkipAll)),
		edge.From("step", Step.Type).Ref("artifacts").Field("step_id").Unique().Required().Immutable().
			Annotations(entgql.Skip(entgql.SkipAll)),
	}
}
