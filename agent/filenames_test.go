package agent_test

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"testing"

	"github.com/mark-analyst/mark/agent"
	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/run"
	"github.com/mark-analyst/mark/store"
)

// A name by which programs have found a file is never another file's: not when the
// dataset leaves the chat, nor when it is deleted, nor in a copy of the chat.
func TestAFileKeepsItsName(t *testing.T) {
	databases.Each(t, func(t *testing.T, s *store.Store) {
		b := newBench(t, s, nil)
		b.python.run = (&ran{}).run
		names := map[string]string{} // of the datasets' files, as they are
		look := func(chatID string, want map[string]string, q agent.Question) string {
			t.Helper()
			q.Text, q.ChatID = "q", chatID
			b.model.script = nil // but its last turn stays
			b.model.then(python(fmt.Sprintf("look %d", len(b.python.opened))), says("Done."))
			r, _ := b.ask(q)
			if r.State != run.StateSucceeded {
				t.Fatal(r.State, r.ErrorMessage)
			}
			got := map[string]string{}
			for _, f := range b.python.opened[len(b.python.opened)-1].Files {
				got[f.Name] = f.Path
			}
			if len(got) != len(want) {
				t.Errorf("Python has %v, want %v", got, want)
			}
			for id, name := range want {
				if path := got[name]; path == "" || names[id] != "" && names[id] != path {
					t.Errorf("%s is %q, in %v, want %s of %v", name, path, got, id, names)
				}
				names[id] = got[name]
			}
			if told := b.model.requests[len(b.model.requests)-1].Messages[0].Content; !strings.Contains(told, `"`+slices.Sorted(maps.Values(want))[0]+`"`) {
				t.Errorf("the model was told %s", told)
			}
			return r.ChatID
		}
		attached := func(ids ...string) agent.Question { return agent.Question{DatasetIDs: ids} }
		leave := func(chatID string, d *ent.Dataset) {
			b.client.Chat.UpdateOneID(chatID).RemoveDatasetIDs(d.ID).ExecX(b.ctx)
		}
		first, second, third := b.dataset("prices.csv"), b.dataset("prices.csv"), b.dataset("Prices.csv")
		chatID := look("", map[string]string{first.ID: "prices.csv", second.ID: "prices (2).csv"}, attached(first.ID, second.ID))
		leave(chatID, first)
		look(chatID, map[string]string{second.ID: "prices (2).csv"}, agent.Question{})
		look(chatID, map[string]string{second.ID: "prices (2).csv", third.ID: "Prices (3).csv"}, attached(third.ID))
		look(chatID, map[string]string{first.ID: "prices.csv", second.ID: "prices (2).csv", third.ID: "Prices (3).csv"}, attached(first.ID))
		b.client.Dataset.DeleteOneID(second.ID).ExecX(b.ctx)
		look(chatID, map[string]string{first.ID: "prices.csv", third.ID: "Prices (3).csv"}, agent.Question{})

		leave(chatID, first)
		runs := b.client.Chat.GetX(b.ctx, chatID).QueryRuns().AllX(b.ctx)
		made, err := b.agent.Branch(b.ctx, agent.Copy{ChatID: chatID, MessageID: *runs[len(runs)-1].AnswerID})
		if err != nil {
			t.Fatal(err)
		}
		fourth := b.dataset("prices.csv")
		look(made.ID, map[string]string{third.ID: "Prices (3).csv", fourth.ID: "prices (4).csv"}, attached(fourth.ID))
	})
}
