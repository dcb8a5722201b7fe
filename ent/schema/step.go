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

// Step is one turn of a run: what the model replied, and the tool call that
// came of it. Where a reply asks for several calls, each has its own step and
// the first of them keeps the reply.
type Step struct{ ent.Schema }

// Mixin of Step.
func (Step) Mixin() []ent.Mixin { return []ent.Mixin{identified{prefix: ids.Step}, owned{}} }

// Fields of Step.
func (Step) Fields() []ent.Field {
	return []ent.Field{
		field.String("run_id").MaxLen(64).Immutable(),
		field.Int("index").Positive().Immutable().Comment("From 1, gapless in its run."),
		field.Enum("state").NamedValues(
			"Running", "RUNNING", "Succeeded", "SUCCEEDED", "Failed", "FAILED", "Cancelled", "CANCELLED",
		).Default("RUNNING"),
		field.String("tool").MaxLen(64).Optional().Comment("Empty: the model answered without a tool."),
		field.String("call_id").MaxLen(200).Optional().Comment("The model's name for the call."),
		field.Text("arguments").Optional().Comment("The call's arguments as the model wrote them."),
		field.Text("code").Optional().Comment("The Python that ran."),
		field.JSON("reply", json.RawMessage{}).Optional().
			Comment("The model's whole reply (dialogue.Reply), stored before it is acted upon."),
		field.String("copied_from").MaxLen(64).Optional().Immutable().
			Comment("The step of an earlier run that this one is a copy of: nothing ran. Of a copy's copy, the first."),
		field.Text("input").Optional().Nillable().
			Comment("What the person answered to ask_user."),
		field.JSON("queries", json.RawMessage{}).Optional().
			Comment("What a warehouse was asked, in the encoding of package agent (querydetail.go)."),
		field.JSON("expense", json.RawMessage{}).Optional().
			Comment("What all replies to the step took, those that were discarded too, in the encoding of package agent (expense.go)."),
		field.String("budget").MaxLen(64).Optional().
			Comment("The budget that was spent when the step began: it may only answer. Empty: none was."),
		field.Text("result").Optional().Nillable().
			Comment("What the model was told of the call's end, stored before the next request. Null: not ended."),
		field.JSON("outputs", json.RawMessage{}).Optional().
			Comment("Rich outputs and streams, in the encoding of package agent (outputs.go)."),
		field.String("error_code").MaxLen(64).Optional(),
		field.Text("error_message").Optional(),
		field.JSON("audit", json.RawMessage{}).Optional().
			Comment("What ran and what came of it, in the encoding of package agent (audit.go). Null: no code ran."),
		field.Time("started_at").SchemaType(timeType).Default(now).Immutable(),
		field.Int64("duration_ms").Optional().Nillable(),
	}
}

// Edges of Step.
func (Step) Edges() []ent.Edge {
	return []ent.Edge{
		edge.From("run", Run.Type).Ref("steps").Field("run_id").Unique().Required().Immutable(),
		edge.To("artifacts", Artifact.Type).Annotations(cascade()),
		edge.To("approvals", Approval.Type).Annotations(cascade(), entgql.Skip(entgql.SkipAll)),
	}
}

// Indexes of Step.
func (Step) Indexes() []ent.Index { return []ent.Index{index.Fields("run_id", "index").Unique()} }
