package resolvers_test

import (
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/mark-analyst/mark/agent"
	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/dataset"
	"github.com/mark-analyst/mark/ent/message"
	"github.com/mark-analyst/mark/ent/run"
	"github.com/mark-analyst/mark/ent/step"
	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/internal/ids"
	"github.com/mark-analyst/mark/warehouse"
)

// estate is a person with something in every table. All their texts hold the
// mark.
type estate struct {
	token, mark string
	user        *ent.User
	session     *ent.Session
	dataset     *ent.Dataset
	columns     []*ent.Column
	chat        *ent.Chat
	question    *ent.Message
	answer      *ent.Message
	run         *ent.Run // has ended
	running     *ent.Run // of another chat
	step        *ent.Step
	artifact    *ent.Artifact
	approval    *ent.Approval
	usage       *ent.UsageDay
	memory      *ent.Memory
}

// moment is when everything of an estate was made: in one moment, so that
// orders by time are put to the test.
var moment = time.Date(2026, 1, 31, 9, 30, 0, 123456000, time.UTC)

// large is more than a float64 can count.
const large = int64(1<<53 + 1)

// settle makes an estate, past every guard.
func (b *bench) settle(mark string) *estate {
	b.t.Helper()
	c, ctx := b.store.Client, b.t.Context()
	e := &estate{mark: mark}
	id := ids.New(ids.User)
	e.user = c.User.Create().SetID(id).SetEmail(id + "@example.org").SetName(mark).SetPasswordHash(mark).SetCreatedAt(moment).SaveX(ctx)
	e.token = e.user.ID
	e.session = c.Session.Create().SetOwnerID(id).SetRefreshHash(mark).SetExpiresAt(moment).SaveX(ctx)
	e.usage = c.UsageDay.Create().SetOwnerID(id).SetDay("2026-01-31").SetTokens(large).SaveX(ctx)
	e.dataset = b.newDataset(e, mark)
	for i := range 3 {
		e.columns = append(e.columns, c.Column.Create().SetOwnerID(id).SetDatasetID(e.dataset.ID).SetPosition(i).
			SetName(fmt.Sprintf("%s%d", mark, i)).SetType("FLOAT").SetNullCount(0).SetDistinctCount(large).
			SetMin(mark).SetMax(mark).SetSampleValues([]string{mark}).SaveX(ctx))
	}
	e.chat, e.running = b.newChat(e, 0), nil
	e.memory = c.Memory.Create().SetOwnerID(id).SetChatID(e.chat.ID).SetRunID(mark).SetText(mark).SetPromptHash(mark).SaveX(ctx)
	e.question = b.newMessage(e, e.chat, message.RoleUser, agent.Part{Text: &agent.Text{Text: mark}})
	e.run = c.Run.Create().SetOwnerID(id).SetChatID(e.chat.ID).SetQuestionID(e.question.ID).SetModel(mark).SetPythonMs(large).
		SetCreatedAt(moment).SaveX(ctx)
	e.step = c.Step.Create().SetOwnerID(id).SetRunID(e.run.ID).SetIndex(1).SetState(step.StateSucceeded).SetTool("run_python").
		SetCode(mark).SetCreatedAt(moment).SetStartedAt(moment).SetDurationMs(large).SaveX(ctx)
	e.artifact = c.Artifact.Create().SetOwnerID(id).SetRunID(e.run.ID).SetStepID(e.step.ID).SetName(mark).SetMimeType("text/csv").
		SetSizeBytes(large).SetBlobKey(mark).SetCreatedAt(moment).SaveX(ctx)
	e.approval = c.Approval.Create().SetOwnerID(id).SetRunID(e.run.ID).SetStepID(e.step.ID).SetTool("run_python").SetNote(mark).
		SetRequest(encode(agent.ApprovalRequest{Reason: mark, Code: mark})).SetCreatedAt(moment).SaveX(ctx)
	out := agent.Output{
		Name: "s1.o1", Title: mark, MIME: execution.MIMETable, Text: mark,
		Table:    &execution.Table{Columns: []string{mark}, Rows: [][]any{{mark}}, RowCount: large},
		Artifact: &agent.Artifact{ID: e.artifact.ID, Name: mark, MIME: "text/csv", SizeBytes: large, CreatedAt: moment},
	}
	e.step = c.Step.UpdateOne(e.step).SetOutputs(encode([]agent.Output{out})).SaveX(ctx)
	e.answer = b.newMessage(e, e.chat, message.RoleAssistant,
		agent.Part{ToolCall: &agent.ToolCall{StepID: e.step.ID, Tool: "run_python", Code: mark, State: "SUCCEEDED"}},
		agent.Part{Output: &agent.StepOutput{StepID: e.step.ID, Output: out}},
		agent.Part{Answer: &agent.Answer{
			Story: mark, FollowUps: []string{mark}, Caveats: []string{mark},
			Charts: []agent.AnswerChart{{Title: mark, Artifact: out.Artifact}},
			Tables: []agent.AnswerTable{{Title: mark, Table: *out.Table, Artifact: out.Artifact}},
			Claims: []agent.Claim{{Text: mark, Evidence: []agent.Evidence{{StepID: e.step.ID, Path: "s1.o1", Output: &out}}}},
			Checks: []agent.Check{{Code: "X", Text: mark}},
		}})
	e.run = c.Run.UpdateOne(e.run).SetAnswerID(e.answer.ID).SetState(run.StateSucceeded).SetLastSeq(2).
		SetStartedAt(moment).SetFinishedAt(moment).SaveX(ctx)
	for i, body := range []string{`{"model":"` + mark + `"}`, `{}`} {
		kind := []string{agent.KindRunStarted, agent.KindRunFinished}[i]
		c.Event.Create().SetOwnerID(id).SetRunID(e.run.ID).SetSeq(i + 1).SetCreatedAt(moment).SetKind(kind).SetBody(json.RawMessage(body)).SaveX(ctx)
	}
	other := b.newChat(e, 0)
	asked := b.newMessage(e, other, message.RoleUser, agent.Part{Text: &agent.Text{Text: mark}})
	e.running = c.Run.Create().SetOwnerID(id).SetChatID(other.ID).SetQuestionID(asked.ID).SetState(run.StateRunning).SetCreatedAt(moment).SaveX(ctx)
	e.chat = c.Chat.GetX(ctx, e.chat.ID)
	return e
}

func (b *bench) newDataset(e *estate, name string) *ent.Dataset {
	b.t.Helper()
	return b.store.Client.Dataset.Create().SetOwnerID(e.user.ID).SetName(name).SetFileName(e.mark).SetDescription(e.mark).
		SetSource(dataset.SourceBigQuery).SetConnection(e.mark).SetTableProject(e.mark).SetTableDataset(e.mark).SetTableName(e.mark).
		SetTableType("VIEW").SetPartitioning(encode(warehouse.Partitioning{Column: e.mark, Type: "RANGE", Start: -large, End: large, Step: 1})).
		SetClustering([]string{e.mark}).SetModifiedAt(moment).SetSourceDescription(e.mark).SetEtag(e.mark).
		SetSizeBytes(large).SetRowCount(large).SetState("READY").SetNotes([]string{e.mark}).
		SetSample(encode(execution.Table{Columns: []string{e.mark}, Rows: [][]any{{e.mark}}, RowCount: large})).
		SetCreatedAt(moment).SetSyncedAt(moment).SaveX(b.t.Context())
}

func (b *bench) newChat(e *estate, messages int) *ent.Chat {
	b.t.Helper()
	c := b.store.Client.Chat.Create().SetOwnerID(e.user.ID).SetTitle(e.mark).AddDatasets(e.dataset).
		SetCreatedAt(moment).SetUpdatedAt(moment).SaveX(b.t.Context())
	for range messages {
		m := b.newMessage(e, c, message.RoleUser, agent.Part{Text: &agent.Text{Text: e.mark}})
		r := b.store.Client.Run.Create().SetOwnerID(e.user.ID).SetChatID(c.ID).SetQuestionID(m.ID).SetState(run.StateSucceeded).
			SetCreatedAt(moment).SaveX(b.t.Context())
		b.store.Client.Step.Create().SetOwnerID(e.user.ID).SetRunID(r.ID).SetIndex(1).SetStartedAt(moment).SaveX(b.t.Context())
	}
	return c
}

// newMessage adds a message, with the dataset attached, at the chat's end.
func (b *bench) newMessage(e *estate, c *ent.Chat, role message.Role, parts ...agent.Part) *ent.Message {
	b.t.Helper()
	c = b.store.Client.Chat.UpdateOneID(c.ID).AddLastMessageSeq(1).SetUpdatedAt(moment).SaveX(b.t.Context())
	return b.store.Client.Message.Create().SetOwnerID(e.user.ID).SetChatID(c.ID).SetSeq(c.LastMessageSeq).SetRole(role).
		SetParts(encode(parts)).AddAttachments(e.dataset).SetCreatedAt(moment).SaveX(b.t.Context())
}

// ids are those of an estate by the kind of object; every kind that has an id.
func (e *estate) ids() map[string]string {
	return map[string]string{
		ids.User: e.user.ID, ids.Session: e.session.ID, ids.Dataset: e.dataset.ID, ids.Column: e.columns[0].ID, ids.Chat: e.chat.ID,
		ids.Message: e.question.ID, ids.Run: e.run.ID, ids.Step: e.step.ID, ids.Artifact: e.artifact.ID,
		ids.Approval: e.approval.ID, ids.UsageDay: e.usage.ID, ids.Memory: e.memory.ID,
	}
}

// gives tells what of an estate is in a text, which it may be except for one id.
func (e *estate) gives(text, except string) []string {
	text = strings.ReplaceAll(text, except, "")
	var found []string
	all := e.ids()
	all["answer"], all["running"], all["running chat"], all["mark"] = e.answer.ID, e.running.ID, e.running.ChatID, e.mark
	for kind, id := range all {
		if strings.Contains(text, id) {
			found = append(found, kind)
		}
	}
	return found
}

func encode(v any) json.RawMessage {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err) // of a literal in these tests
	}
	return raw
}
