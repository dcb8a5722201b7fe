package fuzz_test

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strconv"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/sandbox"
	"github.com/mark-analyst/mark/sandbox/fuzz"
	"github.com/mark-analyst/mark/sandbox/gvisor/gvisortest"
)

// The host's side leaves nothing behind: no goroutine of any session.
func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// shortSeeds is how many programs the short form runs. The long form takes the
// time of MARK_FUZZ_TIME, from the seed of MARK_FUZZ_SEED on or a new one.
const shortSeeds = 20

var limits = execution.Limits{
	StepTime: 500 * time.Millisecond, MemoryBytes: 768 << 20, OutputBytes: 64 << 10, Outputs: 10,
	ArtifactBytes: 1 << 20, ArtifactsBytes: 2 << 20, Artifacts: 5,
}

// known are the codes with which a session may end a step.
var known = map[execution.Code]bool{
	execution.CodeTimeout: true, execution.CodeMemory: true, execution.CodeOutput: true,
	execution.CodeDied: true, execution.CodeProtocol: true,
}

func TestRandomPrograms(t *testing.T) {
	p := gvisortest.Provider(t)
	before := descriptors(t)
	runner := &runner{t: t, provider: p}
	seed, count, until := uint64(1), shortSeeds, time.Time{}
	if long := os.Getenv("MARK_FUZZ_TIME"); long != "" {
		d, err := time.ParseDuration(long)
		if err != nil {
			t.Fatal(err)
		}
		seed, count, until = uint64(time.Now().UnixNano()), 1<<30, time.Now().Add(d)
		if from := os.Getenv("MARK_FUZZ_SEED"); from != "" {
			if seed, err = strconv.ParseUint(from, 10, 64); err != nil {
				t.Fatal(err)
			}
		}
		t.Logf("from MARK_FUZZ_SEED=%d on", seed)
	}
	for n := 0; n < count && (until.IsZero() || time.Now().Before(until)) && !t.Failed(); n++ {
		runner.run(seed + uint64(n))
	}
	runner.close()
	t.Logf("%d programs in %d sessions: %v", runner.programs, runner.sessions, runner.ends)
	if after := descriptors(t); after > before+4 { // what the provider itself opened meanwhile
		t.Errorf("%d descriptors were open, now %d are", before, after)
	}
}

// runner runs programs in one session after the other, each for as long as it
// lives.
type runner struct {
	t        *testing.T
	provider sandbox.Provider
	session  execution.Session
	steps    int  // of the session
	harmed   bool // a program of the session meant to end it
	programs int
	sessions int
	ends     map[string]int
}

func (r *runner) run(seed uint64) {
	r.t.Helper()
	if r.session == nil {
		s, err := r.provider.Open(r.t.Context(), execution.Spec{Limits: limits})
		if err != nil {
			r.t.Fatalf("seed %d: no session: %v", seed, err)
		}
		r.session, r.steps, r.harmed = s, 0, false
		r.sessions++
		r.step(seed, "kept = 'here'\na, b, c, x, y, žluť, f = 1, 'b', [1, 2], {'k': 1}, None, 2.5, len\ndf = pd.DataFrame({'a': [1, 2], 'b': ['x', None]})")
	}
	program := fuzz.New(seed)
	code := program.Code
	r.harmed = r.harmed || program.Harmful
	gone := r.step(seed, code)
	r.programs++
	if !gone {
		// The session says that it goes on: then it does, with its variables.
		var said strings.Builder
		result, err := r.do(fmt.Sprintf("import os; os.write(1, ('<' + kept + ' %d>').encode());", seed), &said)
		switch {
		case err != nil:
			gone = err.Fatal
			r.blame(seed, code, err)
			if !gone && err.Code != execution.CodeOutput && err.Code != execution.CodeTimeout {
				r.t.Errorf("seed %d: then the session said %v\n%s", seed, err, code)
			}
		case result.Failure != nil:
			// A thread that took everything may still be at it.
			if result.Failure.Limit == execution.LimitNone {
				r.t.Errorf("seed %d: then the session failed: %s\n%s", seed, result.Failure.Traceback, code)
			}
		case !strings.Contains(said.String(), fmt.Sprintf("<here %d>", seed)) && !result.Truncated:
			r.t.Errorf("seed %d: then the session said %q\n%s", seed, said.String(), code)
		}
	}
	if r.steps++; gone || r.steps == 10 {
		r.close()
	}
}

// step runs code, which must end in time with a result or a typed error, and
// tells whether the session is gone.
func (r *runner) step(seed uint64, code string) (gone bool) {
	r.t.Helper()
	began := time.Now()
	result, err := r.do(code, &strings.Builder{})
	if took := time.Since(began); took > limits.StepTime+30*time.Second {
		r.t.Errorf("seed %d took %v\n%s", seed, took, code)
	}
	if r.ends == nil {
		r.ends = map[string]int{}
	}
	switch {
	case err != nil:
		r.ends[string(err.Code)]++
		if !known[err.Code] || err.Message == "" {
			r.t.Errorf("seed %d ended with %v\n%s", seed, err, code)
		}
		r.blame(seed, code, err)
		return err.Fatal
	case result.Failure != nil:
		r.ends["failed"]++
		if result.Failure.Name == "" {
			r.t.Errorf("seed %d failed with %+v", seed, result.Failure)
		}
	default:
		r.ends["succeeded"]++
	}
	return false
}

// blame fails the test when a session ended over programs that did nothing to
// end it. Time and memory are no blame: they have limits.
func (r *runner) blame(seed uint64, code string, err *execution.Error) {
	r.t.Helper()
	if !r.harmed && (err.Code == execution.CodeDied || err.Code == execution.CodeProtocol) {
		r.t.Errorf("seed %d ended the session by no fault of its own: %v\n%s", seed, err, code)
	}
}

func (r *runner) do(code string, stdout *strings.Builder) (execution.Result, *execution.Error) {
	r.t.Helper()
	printed, outputs := 0, 0
	// A context that never ends the step: its limits have to.
	result, err := r.session.Run(context.WithoutCancel(r.t.Context()), code, execution.Listener(func(e execution.Event) {
		switch {
		case e.Chunk != nil:
			printed += len(e.Chunk.Text)
			if e.Chunk.Stream == execution.Stdout {
				stdout.WriteString(e.Chunk.Text)
			}
		case e.Output != nil:
			outputs++
		}
	}))
	if printed > 3*int(limits.OutputBytes) || outputs > limits.Outputs+limits.Artifacts {
		r.t.Errorf("%d bytes and %d outputs came of\n%s", printed, outputs, code)
	}
	var typed *execution.Error
	if err != nil && !errors.As(err, &typed) {
		r.t.Errorf("Run's error is a %T: %v", err, err)
	}
	return result, typed
}

func (r *runner) close() {
	r.t.Helper()
	if r.session == nil {
		return
	}
	if err := r.session.Close(); err != nil {
		r.t.Errorf("closing a session: %v", err)
	}
	r.session = nil
}

// descriptors counts what this process has open.
func descriptors(t *testing.T) int {
	t.Helper()
	open, err := os.ReadDir("/proc/self/fd")
	if err != nil {
		t.Fatal(err)
	}
	return len(open)
}

func TestASeedIsAProgram(t *testing.T) {
	different := map[string]bool{}
	for seed := range uint64(200) {
		program := fuzz.New(seed)
		if program != fuzz.New(seed) {
			t.Fatalf("seed %d gives two programs", seed)
		}
		different[program.Code] = true
	}
	if len(different) < 150 {
		t.Errorf("200 seeds give %d programs", len(different))
	}
}
