package auth_test

import (
	"encoding/json"
	"fmt"
	"testing"
	"time"

	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/message"
)

// household is a person with a row of every type.
type household struct {
	ids   map[string]any // by type; the Message is nobody's question or answer yet
	spare []string       // messages that can still become a question
	n     int            // the number of the last row made
}

// settle makes a household on an unguarded client. Among its rows every edge of
// the schema is tied.
func settle(t testing.TB, c *ent.Client, name string) *household {
	t.Helper()
	ctx := t.Context()
	h := &household{ids: map[string]any{}}
	u, err := c.User.Create().SetEmail(name + "@example.org").SetPasswordHash("-").Save(ctx)
	must(t, err)
	h.ids["User"] = u.ID
	for _, typ := range []string{"Session", "UsageDay", "Dataset", "Column", "Chat", "Memory"} {
		h.add(t, c, typ)
	}
	for range 100 {
		h.add(t, c, "Message")
		h.spare = append(h.spare, h.id("Message"))
	}
	// The first run has an answer, the one of the ids has none yet.
	for _, typ := range []string{"Run", "Step", "Artifact", "Approval", "Event"} {
		h.add(t, c, typ)
	}
	must(t, c.Run.UpdateOneID(h.id("Run")).SetAnswerID(h.question()).Exec(ctx))
	for _, typ := range []string{"Run", "Step", "Artifact", "Approval", "Event", "Message"} {
		h.add(t, c, typ)
	}
	return h
}

func (h *household) id(typ string) string { return h.ids[typ].(string) }

func (h *household) add(t testing.TB, c *ent.Client, typ string) {
	t.Helper()
	_, id, err := save(t.Context(), h.newRow(t, c, typ))
	must(t, err)
	h.ids[typ] = id
}

// question returns a message that no run has yet.
func (h *household) question() string {
	id := h.spare[0]
	h.spare = h.spare[1:]
	return id
}

// newRow prepares a row of the household on a client.
func (h *household) newRow(t testing.TB, c *ent.Client, typ string) any {
	t.Helper()
	const text = "-"
	owner := h.id("User")
	h.n++
	switch typ {
	case "User":
		return c.User.Create().SetEmail(owner + fmt.Sprint(h.n)).SetPasswordHash(text)
	case "Session":
		return c.Session.Create().SetOwnerID(owner).SetRefreshHash(text).SetExpiresAt(time.Now())
	case "UsageDay":
		return c.UsageDay.Create().SetOwnerID(owner).SetDay(fmt.Sprint(h.n))
	case "Dataset":
		return c.Dataset.Create().SetOwnerID(owner).SetName(text).SetFileName(text).SetBlobKey(text).SetSha256(text).SetSizeBytes(1)
	case "Column":
		return c.Column.Create().SetOwnerID(owner).SetDatasetID(h.id("Dataset")).SetPosition(h.n).
			SetName(text).SetType(text).SetNullCount(0).SetDistinctCount(0)
	case "Chat":
		return c.Chat.Create().SetOwnerID(owner).AddDatasetIDs(h.id("Dataset"))
	case "Memory":
		return c.Memory.Create().SetOwnerID(owner).SetChatID(h.id("Chat")).SetRunID(text).SetPromptHash(text)
	case "Message":
		return c.Message.Create().SetOwnerID(owner).SetChatID(h.id("Chat")).SetSeq(h.n).
			SetRole(message.RoleUser).SetParts(json.RawMessage(`[]`)).AddAttachmentIDs(h.id("Dataset"))
	case "Run":
		return c.Run.Create().SetOwnerID(owner).SetChatID(h.id("Chat")).SetQuestionID(h.question())
	case "Step":
		return c.Step.Create().SetOwnerID(owner).SetRunID(h.id("Run")).SetIndex(h.n)
	case "Artifact":
		return c.Artifact.Create().SetOwnerID(owner).SetRunID(h.id("Run")).SetStepID(h.id("Step")).
			SetName(text).SetMimeType(text).SetSizeBytes(1).SetBlobKey(text)
	case "Approval":
		return c.Approval.Create().SetOwnerID(owner).SetRunID(h.id("Run")).SetStepID(h.id("Step")).
			SetTool(text).SetRequest(json.RawMessage(`{}`))
	case "Event":
		return c.Event.Create().SetOwnerID(owner).SetRunID(h.id("Run")).SetSeq(h.n).
			SetCreatedAt(time.Now()).SetKind(text).SetBody(json.RawMessage(`{}`))
	}
	t.Fatalf("the type %s is new: say here how a row of it is made", typ)
	return nil
}

// column is a changeable column of each type that has one, and a value for it.
var column = map[string]struct {
	name  string
	value any
}{
	"User": {"name", "new"}, "Session": {"generation", 9}, "UsageDay": {"tokens", int64(9)}, "Dataset": {"description", "new"}, "Column": {"description", "new"},
	"Chat": {"title", "new"}, "Message": {"parts", json.RawMessage(`["new"]`)}, "Run": {"model", "new"}, "Step": {"code", "new"},
	"Approval": {"note", "new"},
}
