package schema

import (
	"entgo.io/contrib/entgql"
	"entgo.io/ent"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"

	"github.com/mark-analyst/mark/internal/ids"
)

// User is a person with an account.
type User struct{ ent.Schema }

// Mixin of User.
func (User) Mixin() []ent.Mixin { return []ent.Mixin{identified{prefix: ids.User}} }

// Fields of User.
func (User) Fields() []ent.Field {
	return []ent.Field{
		field.String("email").MaxLen(320).Unique().Comment("Trimmed, lower case: what people sign in with."),
		field.String("name").MaxRuneLen(200).Default(""),
		field.String("password_hash").MaxLen(512).Sensitive().Comment("argon2id in PHC string format, parameters included."),
		field.Time("updated_at").SchemaType(timeType).Default(now).UpdateDefault(now),
	}
}

// Edges of User.
func (User) Edges() []ent.Edge {
	return []ent.Edge{
		edge.To("sessions", Session.Type).Annotations(cascade(), entgql.Skip(entgql.SkipAll)),
		edge.To("chats", Chat.Type).Annotations(cascade(), entgql.Skip(entgql.SkipAll)),
		edge.To("usage_days", UsageDay.Type).Annotations(cascade(), entgql.Skip(entgql.SkipAll)),
		edge.To("datasets", Dataset.Type).Annotations(cascade(), entgql.Skip(entgql.SkipAll)),
	}
}
