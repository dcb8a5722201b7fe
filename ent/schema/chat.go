package schema

import (
	"entgo.io/contrib/entgql"
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"

	"github.com/mark-analyst/mark/internal/ids"
)

// cascade deletes what hangs on a row together with it.
func cascade() schema.Annotation { return entsql.OnDelete(entsql.Cascade) }

// Chat is a conversation about datasets.
type Chat struct{ ent.Schema }

// Mixin of Chat.
func (Chat) Mixin() []ent.Mixin { return []ent.Mixin{identified{prefix: ids.Chat}, owned{}} }

// Fields of Chat.
func (Chat) Fields() []ent.Field {
	return []ent.Field{
		field.String("title").MaxRuneLen(200).Default(""),
		field.Enum("titled_by").NamedValues(
			"Nobody", "NOBODY", "Question", "QUESTION", "Model", "MODEL", "Person", "PERSON",
		).Default("NOBODY").
			Comment("Whose words the title is. Of chats from before this was noted: nobody's, and so it stays."),
		field.String("client_mutation_id").MaxRuneLen(200).Optional().Nillable().Immutable().
			Comment("What the client called the branchChat that made it; the same one again is the same chat."),
		field.String("copied_to_id").MaxLen(64).Optional().Nillable().Immutable().
			Comment("Of a copy: the last message that was copied, of another chat, which may be gone."),
		field.Bool("archived").Default(false),
		field.JSON("file_names", map[string]string{}).Optional().Annotations(entgql.Skip(entgql.SkipAll)).
			Comment("By which Python finds the files of datasets, by their ids: those that have left the chat, too."),
		field.Int("last_message_seq").Default(0).NonNegative().
			Comment("The seq of the newest message: ids of one millisecond do not order."),
		field.Int64("version").Default(0).NonNegative().
			Comment("Raised by every change that chatEvents tells of."),
		field.Time("updated_at").SchemaType(timeType).Default(now).UpdateDefault(now).
			Annotations(entgql.OrderField("UPDATED_AT")),
	}
}

// Edges of Chat.
func (Chat) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("owner", User.Type).Ref("chats").Field("owner_id").Unique().Required().Immutable().
			Annotations(entgql.Skip(entgql.SkipAll)),
		edge.To("messages", Message.Type).Annotations(cascade(), entgql.RelayConnection()),
		edge.To("runs", Run.Type).Annotations(cascade(), entgql.RelayConnection()),
		edge.To("memories", Memory.Type).Annotations(cascade(), entgql.Skip(entgql.SkipAll)),
		edge.To("datasets", Dataset.Type).Annotations(entgql.RelayConnection()),
	}
}

// Indexes of Chat.
func (Chat) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("owner_id", "archived", "updated_at"),
		index.Fields("owner_id", "client_mutation_id").Unique(),
	}
}
