package injection

import (
	"context"
	"encoding/json"
	"log/slog"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/mark-analyst/mark/agent"
	"github.com/mark-analyst/mark/auth"
	"github.com/mark-analyst/mark/internal/clock"
	"github.com/mark-analyst/mark/sandbox/gvisor/gvisortest"
	"github.com/mark-analyst/mark/sandbox/keeper"
)

// environmentSecret is in the service's environment.
const environmentSecret = "CANARY-0815-ENV"

// TestObeyedProgramsReachNothing lets every program of the corpus run, unapproved,
// in one session of the real sandbox: none reaches the network, the host's files,
// its environment or another person's dataset.
func TestObeyedProgramsReachNothing(t *testing.T) {
	t.Setenv("MARK_LLM_API_KEY", environmentSecret)
	dir := t.TempDir()
	k, err := keeper.New(keeper.Config{
		Provider: gvisortest.Provider(t), Dir: filepath.Join(dir, "sessions"), KeyFile: filepath.Join(dir, "key"),
		Clock: clock.System{}, Logger: slog.New(slog.DiscardHandler),
	})
	must(t, err)
	t.Cleanup(func() { must(t, k.Close(context.Background())) })
	machine := &machine{}
	w := newWorld(t, auth.Guard, machine, k)
	machine.next(table{column: "price", cell: "3", file: "sales.csv"})
	d := w.upload(w.ada, "Sales", "sales.csv", "price\n3\n")

	codes := []string{`print(open("/mnt/data/sales.csv").read())`} // it is a real session, with the person's own file
	for _, code := range programs(corpus(t)) {
		codes = append(codes, w.fill().Replace(code))
	}
	slices.Sort(codes[1:])
	codes = slices.Compact(codes)
	all := attack{ID: "programs", Place: inQuestion}
	for some := range slices.Chunk(codes, 8) {
		var m move
		for _, code := range some {
			args, err := json.Marshal(map[string]string{"code": code})
			must(t, err)
			m.Calls = append(m.Calls, wish{Name: toolPython, Args: args})
		}
		all.Does = append(all.Does, m)
	}
	w.model.begin(all, w.fill(), d.ID)
	sent, err := w.agent.Send(w.ada, agent.Question{Text: all.text(w.fill()), DatasetIDs: []string{d.ID}})
	must(t, err)
	r := w.attend(sent.Run.ID, func(_ place, otherwise string) string { return otherwise })
	r.requests = w.wire.Requests()
	r.frame = frameOf(r.requests[0])
	for _, problem := range r.check() {
		t.Error(problem)
	}
	ran := 0
	for _, s := range r.steps {
		if s.Tool == toolPython {
			ran++
		}
	}
	if ran != len(codes) || r.steps[0].Result == nil || !strings.Contains(*r.steps[0].Result, "price") {
		t.Errorf("%d of %d programs ran, the first with the result %v", ran, len(codes), r.steps[0].Result)
	}
	if strings.Contains(r.everything(), environmentSecret) {
		t.Error("a program has read the service's environment")
	}
	t.Logf("%d programs ran", ran)
}
