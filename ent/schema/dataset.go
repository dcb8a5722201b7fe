package schema

import (
	"encoding/json"

	"entgo.io/contrib/entgql"
	"entgo.io/ent"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"

	"github.com/mark-analyst/mark/internal/ids"
)

// Dataset is a table that Mark can analyse: an uploaded file, whole, and what
// profiling it found.
type Dataset struct{ ent.Schema }

// Mixin of Dataset.
func (Dataset) Mixin() []ent.Mixin { return []ent.Mixin{identified{prefix: ids.Dataset}, owned{}} }

// Fields of Dataset.
func (Dataset) Fields() []ent.Field {
	return []ent.Field{
		field.String("name").MaxRuneLen(200).Annotations(entgql.OrderField("NAME")),
		field.String("file_name").MaxLen(255).Immutable().Comment("Cleaned name of the file, as Python sees it."),
		field.Enum("source").NamedValues("Upload", "UPLOAD").Default("UPLOAD").Immutable(),
		field.Enum("state").NamedValues("Pending", "PENDING", "Profiling", "PROFILING", "Ready", "READY", "Failed", "FAILED").
			Default("PENDING"),
		field.String("error_code").MaxLen(64).Optional(),
		field.String("error_message").MaxLen(2000).Optional(),
		field.Text("description").Default(""),
		field.String("blob_key").MaxLen(255).Immutable(),
		field.String("sha256").MaxLen(64).Immutable(),
		field.Int64("size_bytes").NonNegative().Immutable(),
		field.String("format").MaxLen(32).Optional().Comment("CSV, TSV, JSONL, JSON, XLSX, PARQUET: found by content."),
		field.Text("load_code").Optional().Comment("A Python expression that loads the file as a DataFrame."),
		field.Int64("row_count").Optional().Nillable(),
		field.JSON("sample", json.RawMessage{}).Optional().Comment("execution.Table: the first rows."),
		field.JSON("notes", []string{}).Optional().Comment("What profiling had to repair or guess."),
		field.Time("synced_at").SchemaType(timeType).Optional().Nillable(),
		field.Int("profile_epoch").Default(0).NonNegative().
			Comment("How often profiling was begun; what an earlier beginning has found is refused."),
		field.Time("profiling_until").SchemaType(timeType).Optional().Nillable().
			Comment("Until when a node profiles it, by the database's clock; afterwards anybody may. Null: nobody does."),
		field.Int("profile_losses").Default(0).NonNegative().
			Comment("How many beginnings in a row were lost with their nodes."),
	}
}

// Edges of Dataset.
func (Dataset) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("owner", User.Type).Ref("datasets").Field("owner_id").Unique().Required().Immutable().
			Annotations(entgql.Skip(entgql.SkipAll)),
		edge.To("columns", Column.Type).Annotations(cascade(), entgql.Skip(entgql.SkipAll)),
		edge.From("chats", Chat.Type).Ref("datasets").Annotations(entgql.Skip(entgql.SkipAll)),
		edge.From("messages", Message.Type).Ref("attachments").Annotations(entgql.Skip(entgql.SkipAll)),
	}
}

// Indexes of Dataset.
func (Dataset) Indexes() []ent.Index { return []ent.Index{index.Fields("state")} }
