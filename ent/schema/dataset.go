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
// profiling it found, or a table of a warehouse, of which only the metadata are
// here.
type Dataset struct{ ent.Schema }

// Mixin of Dataset.
func (Dataset) Mixin() []ent.Mixin { return []ent.Mixin{identified{prefix: ids.Dataset}, owned{}} }

// Fields of Dataset.
func (Dataset) Fields() []ent.Field {
	return []ent.Field{
		field.String("name").MaxRuneLen(200).Annotations(entgql.OrderField("NAME")),
		field.String("file_name").MaxLen(255).Immutable().Comment("Cleaned name of the file, as Python sees it; of a warehouse's table its whole name, cut to fit."),
		field.Enum("source").NamedValues("Upload", "UPLOAD", "BigQuery", "BIGQUERY").Default("UPLOAD").Immutable(),
		field.Enum("state").NamedValues("Pending", "PENDING", "Profiling", "PROFILING", "Ready", "READY", "Failed", "FAILED").
			Default("PENDING"),
		field.String("error_code").MaxLen(64).Optional(),
		field.String("error_message").MaxLen(2000).Optional(),
		field.Text("description").Default(""),
		field.Text("source_description").Default("").
			Comment("What the source says it is about. Where the description is another, it is a person's and stays."),
		field.String("blob_key").MaxLen(255).Default("").Immutable().Comment("Of an upload's file; a table has none."),
		field.String("sha256").MaxLen(64).Default("").Immutable(),
		field.Int64("size_bytes").NonNegative().Default(0).Comment("Of the file, or the table's logical size; 0 where nobody knows."),
		field.String("format").MaxLen(32).Optional().Comment("CSV, TSV, JSONL, JSON, XLSX, PARQUET: found by content."),
		field.Text("load_code").Optional().Comment("A Python expression that loads the file as a DataFrame."),
		field.Int64("row_count").Optional().Nillable(),
		field.JSON("sample", json.RawMessage{}).Optional().Comment("execution.Table: the first rows."),
		field.JSON("notes", []string{}).Optional().Comment("What profiling had to repair or guess; of a table, what has changed in it."),
		field.Time("synced_at").SchemaType(timeType).Optional().Nillable(),
		field.Int("profile_epoch").Default(0).NonNegative().
			Comment("How often profiling was begun; what an earlier beginning has found is refused."),
		field.Time("profiling_until").SchemaType(timeType).Optional().Nillable().
			Comment("Until when a node profiles it, by the database's clock; afterwards anybody may. Null: nobody does."),
		field.Int("profile_losses").Default(0).NonNegative().
			Comment("How many beginnings in a row were lost with their nodes."),
		// Of tables of warehouses only. The bounds are BigQuery's for names.
		field.String("connection").MaxLen(100).Optional().Immutable().Comment("As the configuration calls it."),
		field.String("table_project").MaxLen(255).Optional().Immutable(),
		field.String("table_dataset").MaxLen(1024).Optional().Immutable(),
		field.Text("table_name").Optional().Immutable(),
		field.String("table_type").MaxLen(32).Optional().Comment("warehouse.TableType; empty until synced."),
		field.Text("etag").Optional().Comment("Changes with the table's metadata."),
		field.JSON("partitioning", json.RawMessage{}).Optional().Comment("warehouse.Partitioning."),
		field.JSON("clustering", []string{}).Optional(),
		field.Time("modified_at").SchemaType(timeType).Optional().Nillable().Comment("When the table's data or schema last changed."),
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
