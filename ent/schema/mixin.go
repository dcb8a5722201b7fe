// Package schema is the data model as ent reads it. Every type but User carries
// the id of the person it belongs to, so that one rule (package auth) can hide
// other people's rows on every read and write, whichever edge leads there.
package schema

import (
	"time"

	"entgo.io/contrib/entgql"
	"entgo.io/ent"
	"entgo.io/ent/dialect"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"
	"entgo.io/ent/schema/mixin"

	"github.com/mark-analyst/mark/internal/ids"
)

// now is the default of every time: UTC, in the microseconds that PostgreSQL
// keeps, so that a value reads back as it was written.
func now() time.Time { return time.Now().UTC().Truncate(time.Microsecond) }

// timeType keeps times as what they are on both databases.
var timeType = map[string]string{
	dialect.Postgres: "timestamptz(6)",
	dialect.SQLite:   "datetime",
}

// identified gives a type its prefixed id and its time of creation.
type identified struct {
	mixin.Schema
	prefix string
}

func (m identified) Fields() []ent.Field {
	return []ent.Field{
		field.String("id").MaxLen(64).DefaultFunc(ids.For(m.prefix)).Immutable(),
		field.Time("created_at").SchemaType(timeType).Default(now).Immutable().
			Annotations(entgql.OrderField("CREATED_AT")),
	}
}

// owned marks a type's rows as one person's.
type owned struct {
	mixin.Schema
	unlisted bool // nobody lists them by time, so there is no index for it
}

func (owned) Fields() []ent.Field {
	return []ent.Field{
		field.String("owner_id").MaxLen(64).Immutable().
			Comment("The user that the row belongs to; set by the rule in package auth."),
	}
}

func (o owned) Indexes() []ent.Index {
	if o.unlisted {
		return nil
	}
	return []ent.Index{index.Fields("owner_id", "created_at")}
}
