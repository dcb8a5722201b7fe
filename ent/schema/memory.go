package schema

import (
	"encoding/json"

	"entgo.io/contrib/entgql"
	"entgo.io/ent"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"

	"github.com/mark-analyst/mark/internal/ids"
)

// Memory is what the model is told of a chat's older turns in their place. The
// newest one that covers nothing after a question is the question's; older ones
// stay for questions that are asked anew.
type Memory struct{ ent.Schema }

// Mixin of Memory.
func (Memory) Mixin() []ent.Mixin {
	return []ent.Mixin{identified{prefix: ids.Memory}, owned{unlisted: true}}
}

// Annotations of Memory.
func (Memory) Annotations() []schema.Annotation {
	return []schema.Annotation{entgql.Skip(entgql.SkipAll)}
}

// Fields of Memory.
func (Memory) Fields() []ent.Field {
	return []ent.Field{
		field.String("chat_id").MaxLen(64).Immutable(),
		field.String("run_id").MaxLen(64).Immutable().Comment("The run that made it."),
		field.Int("through_seq").Default(0).NonNegative().Immutable().
			Comment("The seq of the last question that the text stands for; 0: none."),
		field.Int("cleared_seq").Default(0).NonNegative().Immutable().
			Comment("The seq of the last question whose tool results are not told any more."),
		field.Text("text").Default("").Immutable(),
		field.Bool("digest").Default(false).Immutable().
			Comment("The text was cut from the turns, because the model gave no summary of them."),
		field.String("prompt_hash").MaxLen(64).Immutable().Comment("The version of the prompts that it was made with."),
		field.JSON("expense", json.RawMessage{}).Optional().Immutable().
			Comment("What making it took, in the encoding of package agent (expense.go)."),
	}
}

// Edges of Memory.
func (Memory) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("chat", Chat.Type).Ref("memories").Field("chat_id").Unique().Required().Immutable(),
	}
}

// Indexes of Memory.
func (Memory) Indexes() []ent.Index { return []ent.Index{index.Fields("chat_id", "created_at")} }
