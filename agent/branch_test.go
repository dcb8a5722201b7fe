package agent_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"io/fs"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/mark-analyst/mark/agent"
	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/message"
	"github.com/mark-analyst/mark/ent/run"
	"github.com/mark-analyst/mark/eventlog"
	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/internal/fault"
	"github.com/mark-analyst/mark/store"
)

func TestAChatIsCopiedUpToAMessage(t *testing.T) {
	databases.Each(t, func(t *testing.T, s *store.Store) {
		b := newBench(t, s, nil)
		b.python.run = func(_ context.Context, _ string, emit func(execution.Event)) (execution.Result, error) {
			emit(execution.Event{Output: &execution.Output{MIME: "image/png", Artifact: &execution.Artifact{
				Name: "a.png", MIMEType: "image/png",
				Open: func() (io.ReadCloser, error) { return io.NopCloser(bytes.NewReader([]byte("png"))), nil },
			}}})
			return execution.Result{}, nil
		}
		d := b.dataset("a.csv")
		b.model.then(python("draw"), calls("final_answer", `{"story":"A chart.","claims":[{"text":"It is there.","evidence":["s1.o1"]}],"charts":[{"title":"A","output":"s1.o1"}]}`))
		first, _ := b.ask(agent.Question{Text: "Draw it.", DatasetIDs: []string{d.ID}})
		b.model.script = nil
		b.model.then(says("Bye."))
		b.ask(agent.Question{ChatID: first.ChatID, Text: "And now?"})

		if _, err := b.agent.Branch(b.stranger(), agent.Copy{ChatID: first.ChatID, MessageID: *first.AnswerID}); err == nil {
			t.Error("a stranger has copied the chat")
		}
		elsewhere := b.client.Chat.Create().SaveX(b.ctx)
		_, err := b.agent.Branch(b.ctx, agent.Copy{ChatID: elsewhere.ID, MessageID: *first.AnswerID})
		wantFault(t, err, fault.BadUserInput)

		made, err := b.agent.Branch(b.ctx, agent.Copy{ChatID: first.ChatID, MessageID: *first.AnswerID})
		if err != nil {
			t.Fatal(err)
		}
		messages := b.client.Message.Query().Where(message.ChatID(made.ID)).Order(ent.Asc(message.FieldSeq)).AllX(b.ctx)
		if len(messages) != 2 || made.LastMessageSeq != 2 || made.QueryDatasets().CountX(b.ctx) != 1 || messages[0].QueryAttachments().CountX(b.ctx) != 1 {
			t.Errorf("%d messages, %d datasets", len(messages), made.QueryDatasets().CountX(b.ctx))
		}
		copied := b.client.Run.Query().Where(run.ChatID(made.ID)).OnlyX(b.ctx)
		oldStep, newStep := b.stepsOf(first)[0], b.stepsOf(copied)[0]
		oldFile, newFile := oldStep.QueryArtifacts().OnlyX(b.ctx), newStep.QueryArtifacts().OnlyX(b.ctx)
		for _, id := range []string{first.ID, oldStep.ID, oldFile.ID, first.ChatID} {
			if strings.Contains(string(messages[1].Parts), id) || strings.Contains(string(newStep.Outputs), id) {
				t.Errorf("the copy speaks of %s, which is the original's", id)
			}
		}
		for _, id := range []string{newStep.ID, newFile.ID} {
			if !strings.Contains(string(messages[1].Parts), id) {
				t.Errorf("the copy does not speak of %s", id)
			}
		}
		if want := []string{first.ChatID + " " + oldStep.ID + " " + made.ID}; !slices.Equal(b.python.forked, want) {
			t.Errorf("forked %v, want %v", b.python.forked, want)
		}
		var seen []string
		for e, err := range b.log.Follow(b.ctx, copied.ID, 0) {
			if err != nil {
				t.Fatal(err)
			}
			seen = append(seen, e.Kind)
		}
		if !slices.Equal(seen, []string{eventlog.Snapshot, agent.KindRunFinished}) {
			t.Errorf("events of the copied run: %v", seen)
		}

		// The original goes; the copy stays whole, and goes on by itself.
		if err := b.agent.DeleteChat(b.ctx, first.ChatID); err != nil {
			t.Fatal(err)
		}
		path, release, err := b.agent.Blobs.Path(b.ctx, newFile.BlobKey)
		if err != nil {
			t.Fatal(err)
		}
		release()
		if raw, err := os.ReadFile(path); err != nil || string(raw) != "png" {
			t.Errorf("the copy's file holds %q (%v)", raw, err)
		}
		b.model.script = nil
		b.model.then(says("Going on."))
		r, _ := b.ask(agent.Question{ChatID: made.ID, Text: "More?"})
		told := text(b.model.requests[len(b.model.requests)-1].Messages)
		if r.State != run.StateSucceeded || !strings.Contains(told, "A chart.") || strings.Contains(told, "And now?") {
			t.Errorf("%s; the model was told\n%s", r.State, told)
		}
		if err := b.agent.DeleteChat(b.ctx, made.ID); err != nil {
			t.Fatal(err)
		}
		if _, err := os.Stat(path); !errors.Is(err, fs.ErrNotExist) {
			t.Errorf("the file that nobody has any more is still there (%v)", err)
		}
	})
}

func TestACopiedChatHasTheVariablesOfTheLastProgramThatRan(t *testing.T) {
	databases.Each(t, func(t *testing.T, s *store.Store) {
		b := newBench(t, s, nil)
		b.python.run = (&ran{}).run
		b.model.then(python("one"), says("First."))
		first, _ := b.ask(agent.Question{Text: "q1"})
		running, goOn := make(chan struct{}), make(chan struct{})
		held := says("Second.")
		held.first = func(context.Context) { close(running); <-goOn }
		b.model.script = nil
		b.model.then(held, python("one again"), says("First again."), python("three"), says("Third."))
		if _, err := b.agent.Send(b.ctx, agent.Question{ChatID: first.ChatID, Text: "q2"}); err != nil {
			t.Fatal(err)
		}
		<-running
		third, err := b.agent.Send(b.ctx, agent.Question{ChatID: first.ChatID, Text: "q3"})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := b.agent.Retry(b.ctx, agent.Retrial{RunID: first.ID}); err != nil { // asked for last, and before the third
			t.Fatal(err)
		}
		close(goOn)
		last, _ := b.await(third.Run.ID)
		made, err := b.agent.Branch(b.ctx, agent.Copy{ChatID: first.ChatID, MessageID: *last.AnswerID})
		if err != nil {
			t.Fatal(err)
		}
		if want := []string{first.ChatID + " " + b.stepsOf(last)[0].ID + " " + made.ID}; !slices.Equal(b.python.forked, want) {
			t.Errorf("forked %v, want %v", b.python.forked, want)
		}
		// The scripted sessions begin without variables.
		b.model.script = nil
		b.model.then(python("four"), says("Fourth."), python("five"), says("Fifth."))
		for _, want := range []bool{true, false} {
			r, _ := b.ask(agent.Question{ChatID: made.ID, Text: "q4"})
			if told := strings.Contains(string(b.stepsOf(r)[0].Outputs), "could not be copied"); told != want {
				t.Errorf("told that the variables were not copied: %v, want %v", told, want)
			}
		}
	})
}
