package schema

import (
	"entgo.io/ent"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"

	"github.com/mark-analyst/mark/internal/ids"
)

// Session is one signed-in device: a family of refresh tokens of which only
// the newest is good. A token of the family that was used before is a stolen
// one, and ends the session.
type Session struct{ ent.Schema }

// Mixin of Session.
func (Session) Mixin() []ent.Mixin { return []ent.Mixin{identified{prefix: ids.Session}, owned{}} }

// Fields of Session.
func (Session) Fields() []ent.Field {
	return []ent.Field{
		field.String("refresh_hash").MaxLen(64).Sensitive().Comment("SHA-256 of the newest refresh token's secret, hex."),
		field.Int("generation").Default(1).Comment("How many refresh tokens were handed out; the newest carries this number."),
		field.Time("refreshed_at").SchemaType(timeType).Default(now),
		field.Time("expires_at").SchemaType(timeType),
		field.Time("revoked_at").SchemaType(timeType).Optional().Nillable(),
	}
}

// Edges of Session.
func (Session) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("owner", User.Type).Ref("sessions").Field("owner_id").Unique().Required().Immutable(),
	}
}

// Indexes of Session.
func (Session) Indexes() []ent.Index { return []ent.Index{index.Fields("expires_at")} }
