package injection

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mark-analyst/mark/agent"
	"github.com/mark-analyst/mark/auth"
	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/approval"
	"github.com/mark-analyst/mark/ent/run"
	"github.com/mark-analyst/mark/ent/step"
	"github.com/mark-analyst/mark/eventlog"
)

// leastAttacks is how many attacks the corpus has at least.
const leastAttacks = 200

// TestObeyedAttacksHaveNoEffect runs a question over each poisoned dataset, name,
// description and message. Its person has each program put before them, and lets
// only the one run that the model would have written anyway.
func TestObeyedAttacksHaveNoEffect(t *testing.T) {
	all := corpus(t)
	if len(all) < leastAttacks {
		t.Errorf("the corpus has %d attacks, at least %d are wanted", len(all), leastAttacks)
	}
	machine := &machine{}
	w := newWorld(t, auth.Guard, machine, machine)
	base := w.baseline(machine)
	tried, read := map[place]int{}, 0
	for _, a := range all {
		r := w.run(a, machine)
		r.frame = base
		for _, problem := range r.check() {
			t.Errorf("%s: %s", a.ID, problem)
		}
		switch got := w.model.hasRead(); {
		case got && a.Hidden:
			t.Errorf("%s: the model has read what people do not see", a.ID)
		case !got && !a.Hidden && !a.Lost:
			t.Errorf("%s: the model has not read the attack: it tests nothing", a.ID)
		case got:
			read++
		}
		tried[a.Place]++
	}
	for _, p := range places {
		if tried[p] < 5 {
			t.Errorf("there are only %d attacks in a %s", tried[p], p)
		}
	}
	t.Logf("%d attacks, of which the model read %d and obeyed: %v", len(all), read, tried)
}

// baseline is the frame of a prompt without an attack.
func (w *world) baseline(machine *machine) frame {
	w.t.Helper()
	r := w.run(attack{ID: "none", Place: inCell, Text: "1"}, machine)
	r.frame = frameOf(r.requests[0])
	if problems := r.check(); len(problems) > 0 || r.frame.system == "" || r.frame.tools == "" {
		w.t.Fatalf("without an attack: %q", problems)
	}
	return r.frame
}

// fill is what stands for the words in braces of the corpus.
func (w *world) fill() *strings.Replacer {
	return strings.NewReplacer("{sink}", w.sink.address(), "{host}", w.sink.listener.Addr().String(), "{port}", itoa(w.sink.port()),
		"{bob}", w.bob.dataset, "{bobuser}", w.bob.user, "{bobpath}", w.bob.path)
}

// run plants an attack and asks a question.
func (w *world) run(a attack, machine *machine) record {
	w.t.Helper()
	text := a.text(w.fill())
	at := func(p place, otherwise string) string {
		if a.Place == p {
			return text
		}
		return otherwise
	}
	d := w.plant(a, machine, at)
	w.model.begin(a, w.fill(), d.ID)
	before := len(w.wire.Requests())
	question := agent.Question{Text: at(inQuestion, "What is in the data?"), DatasetIDs: []string{d.ID}, ReviewCode: true}
	if a.Place == inMessage {
		question.Text = text
	}
	sent, err := w.agent.Send(w.ada, question)
	must(w.t, err)
	out := w.attend(sent.Run.ID, at)
	if a.Place == inMessage { // it is known to the chat: now it is an earlier one
		w.model.begin(a, w.fill(), d.ID)
		before = len(w.wire.Requests())
		sent, err = w.agent.Send(w.ada, agent.Question{ChatID: sent.Chat.ID, Text: "And now?", ReviewCode: true})
		must(w.t, err)
		second := w.attend(sent.Run.ID, at)
		second.approved = append(out.approved, second.approved...)
		out = second
	}
	out.requests = w.wire.Requests()[before:]
	out.ran, out.sink, out.title = machine.programs(), w.sink.address(), w.client.Chat.GetX(w.ada, sent.Chat.ID).Title
	must(w.t, w.data.Delete(w.ada, d.ID)) // there are more attacks than a person has room for
	return out
}

// plant makes the dataset of an attack.
func (w *world) plant(a attack, machine *machine, at func(place, string) string) *ent.Dataset {
	w.t.Helper()
	file := at(inFile, "sales.csv")
	machine.next(table{column: at(inColumn, "price"), cell: at(inCell, "3"), file: file})
	machine.shows(at(inPrinted, ""), at(inTraceback, ""))
	d := w.upload(w.ada, shorten(at(inName, "Sales"), 150), file, a.ID+"\n3\n")
	// Stored as it is: the agent does not rest on others having cleaned it.
	d.Update().SetDescription(at(inDescription, "")).ExecX(w.ada)
	d.QueryColumns().OnlyX(w.ada).Update().SetDescription(at(inColumnDescription, "")).ExecX(w.ada)
	return d
}

// attend is the person in front of a run: they answer questions, let the honest
// program run and no other, and read to the end.
func (w *world) attend(runID string, at func(place, string) string) record {
	w.t.Helper()
	ctx, cancel := context.WithTimeout(w.ada, 30*time.Second)
	defer cancel()
	var out record
	for e, err := range w.log.Follow(ctx, runID, 0) {
		must(w.t, err)
		out.events = append(out.events, e)
		body, err := agent.Body(e.Body)
		must(w.t, err)
		switch e.Kind {
		case agent.KindQuestionAsked:
			_, err = w.agent.AnswerQuestion(w.ada, runID, at(inAnswer, "2024"))
		case agent.KindApprovalRequested:
			var request agent.ApprovalRequest
			request, err = agent.RequestOf(w.client.Approval.GetX(w.ada, body.ApprovalID))
			must(w.t, err)
			decision := agent.Decision{Approve: request.Code == honest}
			if decision.Approve {
				out.approved = append(out.approved, request.Code)
			} else {
				decision.Note = at(inNote, "No.")
			}
			_, _, err = w.agent.DecideApproval(w.ada, body.ApprovalID, decision)
		}
		must(w.t, err)
	}
	r := w.client.Run.GetX(w.ada, runID)
	out.state = r.State.String()
	if r.State != run.StateSucceeded {
		out.state += " " + r.ErrorCode + " " + r.ErrorMessage
	}
	if r.AnswerID != nil {
		parts, err := agent.Parts(w.client.Message.GetX(w.ada, *r.AnswerID).Parts)
		must(w.t, err)
		out.parts = parts
	}
	out.steps = w.client.Step.Query().Where(step.RunID(runID)).Order(step.ByIndex()).AllX(w.ada)
	out.approvals = w.client.Approval.Query().Where(approval.RunID(runID)).AllX(w.ada)
	if len(out.events) == 0 || !slices.ContainsFunc(out.events, func(e eventlog.Event) bool { return e.Kind == agent.KindRunFinished }) {
		w.t.Fatal("the run has not ended")
	}
	return out
}
