package resolvers_test

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/mark-analyst/mark/ent/event"
)

// TestSnapshotForLatecomers: of a run whose events are no longer kept a
// subscriber gets the run as it is, and the end.
func TestSnapshotForLatecomers(t *testing.T) {
	each(t, func(t *testing.T, b *bench) {
		ada := b.settle("ada")
		b.store.Client.Run.UpdateOneID(ada.run.ID).SetCompactedSeq(1).ExecX(t.Context())
		b.store.Client.Event.Delete().Where(event.RunID(ada.run.ID), event.Seq(1)).ExecX(t.Context())
		r := b.follow(ada.token, `subscription($run: ID!) { runEvents(runId: $run) { __typename runId seq ... on Snapshot { at run { id state } } } }`,
			vars{"run": ada.run.ID})
		var got []string
		for line := range strings.Lines(r.body) {
			data, ok := strings.CutPrefix(strings.TrimSpace(line), "data: ")
			if !ok {
				continue
			}
			var m struct {
				Data struct {
					RunEvents struct {
						Typename  string `json:"__typename"`
						RunID, At string
						Seq       int
						Run       struct{ ID, State string }
					}
				}
			}
			must(t, json.Unmarshal([]byte(data), &m))
			e := m.Data.RunEvents
			got = append(got, e.Typename)
			if e.RunID != ada.run.ID || e.Seq != len(got) {
				t.Errorf("event %d: %s", len(got), data)
			}
			if e.Typename == "Snapshot" && (e.At == "" || e.Run.ID != ada.run.ID || e.Run.State != "SUCCEEDED") {
				t.Errorf("the snapshot: %s", data)
			}
		}
		if strings.Join(got, " ") != "Snapshot RunFinished" {
			t.Errorf("got %v: %s", got, r.body)
		}
	})
}
