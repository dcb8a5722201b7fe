package schema

import (
	"encoding/json"

	"entgo.io/contrib/entgql"
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"

	"github.com/mark-analyst/mark/internal/ids"
)

// Message is what a person or Mark said in a chat.
type Message struct{ ent.Schema }

// Mixin of Message.
func (Message) Mixin() []ent.Mixin { return []ent.Mixin{identified{prefix: ids.Message}, owned{}} }

// Fields of Message.
func (Message) Fields() []ent.Field {
	return []ent.Field{
		field.String("chat_id").MaxLen(64).Immutable(),
		field.Int("seq").Positive().Immutable().Annotations(entgql.OrderField("SEQ")),
		field.Enum("role").NamedValues("User", "USER", "Assistant", "ASSISTANT").Immutable(),
		field.JSON("parts", json.RawMessage{}).
			Comment("The parts in order, in the encoding of package agent (parts.go)."),
		field.Int64("version").Default(0).NonNegative().
			Comment("The chat's version when the message changed last, set by package chatfeed; 0: it is as it was added."),
	}
}

// Edges of Message.
func (Message) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("chat", Chat.Type).Ref("messages").Field("chat_id").Unique().Required().Immutable().
			Annotations(entgql.Skip(entgql.SkipAll)),
		edge.To("attachments", Dataset.Type),
		edge.To("runs", Run.Type).Annotations(cascade(), entgql.Skip(entgql.SkipAll)),
		edge.To("answer_of", Run.Type).Unique().Annotations(entgql.Skip(entgql.SkipAll)),
	}
}

// Indexes of Message.
func (Message) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("chat_id", "seq").Unique(),
		// Few messages change, so this costs those that do not nothing.
		index.Fields("chat_id", "version").Annotations(entsql.IndexWhere("version > 0")),
	}
}
