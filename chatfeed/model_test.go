package chatfeed_test

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"runtime"
	"testing"
	"time"

	"pgregory.net/rapid"

	"github.com/mark-analyst/mark/chatfeed"
	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/message"
	"github.com/mark-analyst/mark/ent/run"
)

// TestModel holds followers against what the chat was at each version: whoever
// follows, whenever it begins, however slow it is and in whichever process, shows
// after the last event of a version the chat as it stood then, and in the end the
// chat as it is.
func TestModel(t *testing.T) {
	each(t, func(t *testing.T, open where) {
		nodes := []node{open(never, true), open(2*time.Millisecond, false)}
		if nodes[0].store.Dialect == "sqlite3" {
			nodes[0] = open(2*time.Millisecond, false) // nothing tells it what the other one changes
		}
		rapid.Check(t, func(rt *rapid.T) {
			m := &model{t: t, rt: rt, nodes: nodes, chat: nodes[0].newChat(), at: map[int64]picture{}}
			m.run()
		})
	})
}

// picture is what a client shows of a chat: messages and runs by their ids.
type picture struct {
	title    string
	messages map[string]string // parts
	runs     map[string]string // state
}

func (p picture) String() string {
	return fmt.Sprintf("%q, messages %v, runs %v", p.title, p.messages, p.runs)
}

func (p picture) clone() picture {
	return picture{p.title, maps.Clone(p.messages), maps.Clone(p.runs)}
}

type model struct {
	t     *testing.T
	rt    *rapid.T
	nodes []node
	chat  *ent.Chat
	at    map[int64]picture // the chat at each version; what ended stays among the runs
}

const theEnd = "the end"

func (m *model) run() {
	m.note()
	var shown []chan []shot
	// Some follow from the beginning, others come when something has happened.
	followers := func(name string) {
		for range rapid.IntRange(0, 2).Draw(m.rt, name) {
			n := rapid.SampledFrom(m.nodes).Draw(m.rt, "node")
			slow := rapid.SampledFrom([]int{0, 0, 10, 1000}).Draw(m.rt, "slow")
			shown = append(shown, m.follow(n, slow))
		}
	}
	followers("before")
	for range rapid.IntRange(0, 10).Draw(m.rt, "changes") {
		m.change()
		followers("meanwhile")
	}
	n := m.nodes[0]
	n.title(m.chat, theEnd)
	m.note()
	followers("later")
	for _, shots := range shown {
		m.check(<-shots)
	}
}

// change makes one transaction of some changes, by one of the nodes.
func (m *model) change() {
	n := rapid.SampledFrom(m.nodes).Draw(m.rt, "node")
	ctx := m.t.Context()
	tx, err := n.client.Tx(ctx)
	must(m.t, err)
	for range rapid.IntRange(1, 3).Draw(m.rt, "together") {
		m.step(ctx, n, tx)
	}
	if rapid.IntRange(0, 4).Draw(m.rt, "rollback") == 0 {
		must(m.t, tx.Rollback())
		return
	}
	must(m.t, tx.Commit())
	m.note()
}

func (m *model) step(ctx context.Context, n node, tx *ent.Tx) {
	runIn := func(states ...run.State) *ent.Run {
		r, err := tx.Run.Query().Where(run.ChatID(m.chat.ID), run.StateIn(states...)).Order(ent.Asc(run.FieldID)).First(ctx)
		if ent.IsNotFound(err) {
			return nil
		}
		must(m.t, err)
		return r
	}
	switch what := rapid.SampledFrom([]string{"say", "ask", "ask", "begin", "wait", "end", "end", "title", "edit", "log"}).Draw(m.rt, "change"); what {
	case "say":
		n.sayIn(ctx, tx, m.chat, message.RoleUser)
	case "ask":
		q := n.sayIn(ctx, tx, m.chat, message.RoleUser)
		must(m.t, tx.Run.Create().SetOwnerID(m.chat.OwnerID).SetChatID(m.chat.ID).SetQuestionID(q.ID).Exec(ctx))
	case "begin":
		if r := runIn(run.StateQueued, run.StateWaiting); r != nil {
			must(m.t, tx.Run.UpdateOne(r).SetState(run.StateRunning).Exec(ctx))
		}
	case "wait":
		if r := runIn(run.StateRunning); r != nil {
			must(m.t, tx.Run.UpdateOne(r).SetState(run.StateWaiting).Exec(ctx))
		}
	case "end":
		if r := runIn(run.StateQueued, run.StateRunning, run.StateWaiting); r != nil {
			answer := n.sayIn(ctx, tx, m.chat, message.RoleAssistant)
			state := rapid.SampledFrom([]run.State{run.StateSucceeded, run.StateFailed, run.StateCancelled}).Draw(m.rt, "end")
			must(m.t, tx.Run.UpdateOne(r).SetState(state).SetAnswerID(answer.ID).SetFinishedAt(time.Now()).Exec(ctx))
		}
	case "title":
		must(m.t, tx.Chat.UpdateOneID(m.chat.ID).SetTitle(rapid.SampledFrom([]string{"first", "second", "third"}).Draw(m.rt, "title")).Exec(ctx))
	case "edit":
		q, err := tx.Message.Query().Where(message.ChatID(m.chat.ID)).Order(ent.Asc(message.FieldSeq)).First(ctx)
		if err == nil {
			parts := json.RawMessage(fmt.Sprintf(`[%d]`, rapid.IntRange(0, 9).Draw(m.rt, "parts")))
			must(m.t, tx.Message.UpdateOne(q).SetParts(parts).Exec(ctx))
		}
	case "log": // what is not told
		must(m.t, tx.Run.Update().Where(run.ChatID(m.chat.ID)).AddLastSeq(1).AddPromptTokens(7).Exec(ctx))
	}
}

// note keeps what the chat is, at its version. Nobody changes it meanwhile.
func (m *model) note() {
	m.t.Helper()
	ctx, c := m.t.Context(), m.nodes[0].client
	row, err := c.Chat.Get(ctx, m.chat.ID)
	must(m.t, err)
	p := picture{title: row.Title, messages: map[string]string{}, runs: map[string]string{}}
	messages, err := c.Message.Query().Where(message.ChatID(m.chat.ID)).All(ctx)
	must(m.t, err)
	for _, row := range messages {
		p.messages[row.ID] = string(row.Parts)
	}
	runs, err := c.Run.Query().Where(run.ChatID(m.chat.ID)).All(ctx)
	must(m.t, err)
	for _, row := range runs {
		p.runs[row.ID] = string(row.State)
	}
	m.at[row.Version] = p
}

// shot is an event, and what the client shows after it.
type shot struct {
	event   chatfeed.Event
	version int64
	picture picture // without the messages before the snapshot, and the runs that had ended
}

// follow takes events in until the chat has its last title.
func (m *model) follow(n node, slow int) chan []shot {
	f := n.follow(m.chat)
	done := make(chan []shot, 1)
	go func() {
		var shots []shot
		defer func() { done <- shots }()
		var p picture
		for p.title != theEnd {
			s := shot{event: f.next()}
			switch e := s.event.(type) {
			case chatfeed.Snapshot:
				p = picture{title: e.Chat.Title, messages: map[string]string{}, runs: map[string]string{}}
				for _, r := range e.Runs {
					p.runs[r.ID] = string(r.State)
				}
				s.version = e.Chat.Version
			case chatfeed.MessageAdded:
				if _, known := p.messages[e.Message.ID]; known {
					m.t.Errorf("a message was added twice")
				}
				p.messages[e.Message.ID], s.version = string(e.Message.Parts), e.Version
			case chatfeed.MessageChanged:
				p.messages[e.Message.ID], s.version = string(e.Message.Parts), e.Version
			case chatfeed.RunChanged:
				if p.runs[e.Run.ID] == string(e.Run.State) {
					m.t.Errorf("a run was told of twice")
				}
				p.runs[e.Run.ID], s.version = string(e.Run.State), e.Version
			case chatfeed.ChatChanged:
				if p.title == e.Chat.Title {
					m.t.Errorf("a title was told twice")
				}
				p.title, s.version = e.Chat.Title, e.Chat.Version
			default:
				m.t.Errorf("unexpected %T", e)
			}
			s.picture = p.clone()
			shots = append(shots, s)
			for range slow {
				runtime.Gosched()
			}
		}
		f.stop()
	}()
	return done
}

// check holds what a client showed after the last event of each version against
// what the chat was.
func (m *model) check(shots []shot) {
	m.t.Helper()
	var base picture // what was before the snapshot
	for i, s := range shots {
		if _, first := s.event.(chatfeed.Snapshot); first != (i == 0) {
			m.t.Fatalf("event %d is a %T", i, s.event)
		}
		want, ok := m.at[s.version]
		if !ok {
			m.t.Fatalf("told the version %d, which never was", s.version)
		}
		if i == 0 {
			base = want
		}
		if i+1 < len(shots) && shots[i+1].version == s.version {
			continue // not the last of its version
		}
		got := base.clone()
		got.title = s.picture.title
		maps.Copy(got.messages, s.picture.messages)
		maps.Copy(got.runs, s.picture.runs)
		if i == 0 {
			for id, state := range want.runs {
				if _, told := s.picture.runs[id]; told == (state == "SUCCEEDED" || state == "FAILED" || state == "CANCELLED") {
					m.t.Errorf("the snapshot of %v has the runs %v", want, s.picture.runs)
				}
			}
		}
		if got.String() != want.String() {
			m.t.Fatalf("at version %d a client shows\n%v\nit was\n%v", s.version, got, want)
		}
	}
	if len(shots) == 0 || shots[len(shots)-1].picture.title != theEnd {
		m.t.Fatal("a follower was not told of the end")
	}
}
