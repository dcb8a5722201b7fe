package schema

import (
	"entgo.io/contrib/entgql"
	"entgo.io/ent"
	"entgo.io/ent/dialect/entsql"
	"entgo.io/ent/schema/edge"
	"entgo.io/ent/schema/field"
	"entgo.io/ent/schema/index"

	"github.com/mark-analyst/mark/internal/ids"
)

// Run is the work on one question, from the queue to its end.
type Run struct{ ent.Schema }

// Mixin of Run.
func (Run) Mixin() []ent.Mixin { return []ent.Mixin{identified{prefix: ids.Run}, owned{}} }

// Fields of Run.
func (Run) Fields() []ent.Field {
	return []ent.Field{
		field.String("chat_id").MaxLen(64).Immutable(),
		field.String("question_id").MaxLen(64).Immutable(),
		field.String("answer_id").MaxLen(64).Optional().Nillable(),
		field.Enum("state").NamedValues(
			"Queued", "QUEUED", "Running", "RUNNING", "Waiting", "WAITING",
			"Succeeded", "SUCCEEDED", "Failed", "FAILED", "Cancelled", "CANCELLED",
		).Default("QUEUED"),
		field.String("model").MaxLen(200).Default(""),
		field.String("prompt_hash").MaxLen(64).Optional().
			Comment("The version of the prompts and tools that the model was sent when the run began: see package agent."),
		field.String("client_mutation_id").MaxRuneLen(200).Optional().Nillable().Immutable().
			Comment("What the client called the sendMessage, retryRun or editStep; the same one again is the same run."),
		field.Bool("review_code").Default(false).Immutable().
			Comment("Each program waits for a person's approval."),
		field.String("based_on_id").MaxLen(64).Optional().Nillable().Immutable().
			Comment("The run of the same question that this one tries again, or goes on from."),
		field.Int("edited_index").Default(0).NonNegative().Immutable().
			Comment("The index of the step whose code a person has changed: those before it are copies. 0: none."),
		field.Bool("only_edited").Default(false).Immutable().
			Comment("The run ends with the step that a person has changed."),
		field.String("rewind_to").MaxLen(64).Optional().Nillable().Immutable().
			Comment("The step after which Python's variables are to be as they were, before the first program of this run's own; empty: a fresh session; null: as the chat has left them."),
		field.Int("epoch").Default(0).NonNegative().
			Comment("How often the run was claimed by a worker; a write of an earlier claim is refused."),
		field.Int("last_seq").Default(0).NonNegative().Comment("The seq of the newest event."),
		field.Bool("cancel_requested").Default(false),
		field.String("node").MaxLen(200).Optional().Comment("Who works on it: the node that claimed it last."),
		field.Time("lease_until").SchemaType(timeType).Optional().Nillable().
			Comment("Until when the node has it, by the database's clock; afterwards anybody may claim it. Null: nobody has it."),
		field.Int("handovers").Default(0).NonNegative().
			Comment("How many of the epochs ended in good order, by a node that was shutting down."),
		field.Int("compacted_seq").Default(0).NonNegative().
			Comment("Events up to this seq are no longer stored: what they said is in the steps and messages."),
		field.String("error_code").MaxLen(64).Optional(),
		field.String("error_message").MaxLen(2000).Optional(),
		field.Int("prompt_tokens").Default(0).NonNegative(),
		field.Int("cached_tokens").Default(0).NonNegative().Comment("Part of prompt_tokens."),
		field.Int("completion_tokens").Default(0).NonNegative(),
		field.Int("reasoning_tokens").Default(0).NonNegative().Comment("Part of completion_tokens."),
		field.Int64("bytes_billed").Default(0).NonNegative().Comment("By warehouses, for queries."),
		field.Int64("python_ms").Default(0).Comment("Wall time of Python steps, milliseconds."),
		field.Int64("worked_ms").Default(0).NonNegative().
			Comment("How long nodes have worked on it, without its waits for them and for a person, as it was stored last; milliseconds."),
		field.Int64("cost_micros").Default(0).NonNegative().
			Comment("What the model cost by its prices, millionths of a US dollar; 0 where it has none."),
		field.Int64("output_bytes").Default(0).NonNegative().Comment("What its steps made: files, charts, tables, printed text."),
		field.Time("started_at").SchemaType(timeType).Optional().Nillable(),
		field.Time("finished_at").SchemaType(timeType).Optional().Nillable(),
	}
}

// Edges of Run.
func (Run) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("chat", Chat.Type).Ref("runs").Field("chat_id").Unique().Required().Immutable(),
		edge.From("question", Message.Type).Ref("runs").Field("question_id").Unique().Required().Immutable().
			Annotations(entgql.Skip(entgql.SkipAll)),
		edge.From("answer", Message.Type).Ref("answer_of").Field("answer_id").Unique(),
		edge.To("steps", Step.Type).Annotations(cascade(), entgql.Skip(entgql.SkipAll)),
		edge.To("events", Event.Type).Annotations(cascade(), entgql.Skip(entgql.SkipAll)),
		edge.To("artifacts", Artifact.Type).Annotations(cascade(), entgql.Skip(entgql.SkipAll)),
		edge.To("approvals", Approval.Type).Annotations(cascade(), entgql.Skip(entgql.SkipAll)),
	}
}

// Indexes of Run.
func (Run) Indexes() []ent.Index {
	return []ent.Index{
		index.Fields("state"),
		index.Fields("chat_id", "created_at"),
		// Those of a chat that have not ended are few, however many have.
		index.Fields("chat_id", "created_at").StorageKey("run_chat_id_active").
			Annotations(entsql.IndexWhere("finished_at IS NULL")),
		index.Fields("owner_id", "client_mutation_id").Unique(),
	}
}
