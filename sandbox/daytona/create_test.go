package daytona_test

import (
	"context"
	"encoding/json"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/sandbox/daytona"
	"github.com/mark-analyst/mark/sandbox/daytona/daytonatest"
)

// eventually waits until something is so that happens in the background.
func eventually(t testing.TB, what string, so func() bool) {
	t.Helper()
	tick := time.NewTicker(10 * time.Millisecond)
	defer tick.Stop()
	late := time.After(patience)
	for !so() {
		select {
		case <-tick.C:
		case <-late:
			t.Fatalf("it never came that %s", what)
		}
	}
}

func none(s *daytonatest.Server) func() bool {
	return func() bool { return len(s.Sandboxes()) == 0 }
}

// creates tells the request that makes a sandbox.
func creates(r *http.Request) bool {
	return r.Method == http.MethodPost && r.URL.Path == "/api/sandbox"
}

func TestSandboxIsMadeAsConfigured(t *testing.T) {
	t.Parallel()
	s := standIn(t, daytonatest.Options{})
	config := configFor(t, s)
	config.AutoStop, config.AutoDelete = 7*time.Minute, 90*time.Minute
	p := provider(t, s, config)
	open(t, p, execution.Spec{})
	b := s.Sandboxes()[0]
	if b.Labels["managed-by"] != "mark" || b.Labels["node"] == "" || b.Labels["session"] == "" || !strings.HasPrefix(b.Name, "mark-") {
		t.Errorf("it is called %s and has the labels %v", b.Name, b.Labels)
	}
	if !b.NetworkBlockAll || b.AutoStop != 7 || b.AutoDelete != 90 || b.Snapshot != "mark-plotly" || b.Memory != 0 {
		t.Errorf("it was asked for as %+v", b)
	}
}

func TestSandboxOfAnImage(t *testing.T) {
	t.Parallel()
	s := standIn(t, daytonatest.Options{})
	config := configFor(t, s)
	config.Snapshot, config.Image, config.Limits.MemoryBytes = "", "example/mark-plotly:1", 3<<29
	p := provider(t, s, config)
	// Memory of a session is bounded by the system, too: no kernel starts in 1.5 GiB
	// of address space everywhere, so the session brings a bound of its own.
	open(t, p, execution.Spec{Limits: execution.Limits{MemoryBytes: 64 << 30}})
	if b := s.Sandboxes()[0]; b.Dockerfile != "FROM example/mark-plotly:1" || b.Memory != 2 {
		t.Errorf("it was made of %q with %d GiB", b.Dockerfile, b.Memory)
	}
}

func TestWrongKey(t *testing.T) {
	t.Parallel()
	s := standIn(t, daytonatest.Options{Key: "right"})
	config := configFor(t, s)
	config.APIKey = "wrong"
	p := provider(t, s, config)
	isolation := p.Isolation()
	if isolation.Ready || isolation.Provider != "daytona" {
		t.Errorf("the isolation is %+v", isolation)
	}
	contains(t, "the isolation", isolation.Detail, "refuses the API key", "DAYTONA_API_KEY")
	failure := refused(t, p, execution.Spec{})
	if failure.Code != execution.CodeUnavailable || strings.Contains(failure.Message, "wrong") {
		t.Errorf("the failure is %v", failure)
	}
}

func TestQuota(t *testing.T) {
	t.Parallel()
	s := standIn(t, daytonatest.Options{Quota: 1})
	p := provider(t, s, configFor(t, s))
	first := open(t, p, execution.Spec{})
	failure := refused(t, p, execution.Spec{})
	contains(t, "the message", failure.Message, "quota is reached", "Maximum allowed: 1")
	if i := p.Isolation(); i.Ready {
		t.Errorf("the isolation is %+v", i)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	prints(t, open(t, p, execution.Spec{}), "print(1)", "1\n")
	if i := p.Isolation(); !i.Ready {
		t.Errorf("then the isolation is %+v", i)
	}
}

func TestMissingSnapshot(t *testing.T) {
	t.Parallel()
	s := standIn(t, daytonatest.Options{Snapshots: []string{"another"}})
	p := provider(t, s, configFor(t, s))
	before := s.Requests()
	failure := refused(t, p, execution.Spec{})
	contains(t, "the message", failure.Message, "does not know the snapshot mark-plotly", "deploy/daytona", "MARK_DAYTONA_SNAPSHOT")
	if n := s.Requests() - before; n > 4 {
		t.Errorf("%d requests were made about what cannot work", n)
	}
}

func TestSandboxThatDoesNotStart(t *testing.T) {
	t.Parallel()
	for _, state := range []string{"error", "build_failed"} {
		t.Run(state, func(t *testing.T) {
			t.Parallel()
			s := standIn(t, daytonatest.Options{})
			s.Slow(2, state)
			p := provider(t, s, configFor(t, s))
			contains(t, "the message", refused(t, p, execution.Spec{}).Message, "could not start", state, "the snapshot mark-plotly")
			eventually(t, "the sandbox is deleted", none(s))
		})
	}
	t.Run("error at once", func(t *testing.T) {
		t.Parallel()
		s := standIn(t, daytonatest.Options{})
		s.Slow(0, "error")
		p := provider(t, s, configFor(t, s))
		contains(t, "the message", refused(t, p, execution.Spec{}).Message, "could not start")
		eventually(t, "the sandbox is deleted", none(s))
		if n := s.Made(); n != 1 {
			t.Errorf("%d sandboxes were made of what does not start", n)
		}
	})
}

func TestSlowStart(t *testing.T) {
	t.Parallel()
	s := standIn(t, daytonatest.Options{})
	s.Slow(6, "")
	prints(t, open(t, provider(t, s, configFor(t, s)), execution.Spec{}), "print('late')", "late\n")
}

func TestStartThatTakesTooLong(t *testing.T) {
	t.Parallel()
	s := standIn(t, daytonatest.Options{})
	s.Slow(1_000_000, "")
	config := configFor(t, s)
	config.OpenTime = 2 * time.Second
	p := provider(t, s, config)
	contains(t, "the message", refused(t, p, execution.Spec{}).Message, "in time")
	eventually(t, "the sandbox is deleted", none(s))
}

// Daytona makes the sandbox and its answer never comes: there is no handle, but a
// name.
func TestCreateThatTimesOut(t *testing.T) {
	t.Parallel()
	s := standIn(t, daytonatest.Options{})
	s.OnCreated(func(ctx context.Context) { <-ctx.Done() })
	config := configFor(t, s)
	config.OpenTime, config.Sweep = 2*time.Second, time.Hour
	p := provider(t, s, config)
	contains(t, "the message", refused(t, p, execution.Spec{}).Message, "did not open a Python session in time")
	if s.Made() == 0 {
		t.Fatal("no sandbox was made")
	}
	eventually(t, "the sandbox is deleted", none(s))
}

// The sandbox appears only after it was looked for by its name.
func TestCreateThatIsDoneAfterItWasGivenUp(t *testing.T) {
	t.Parallel()
	s := standIn(t, daytonatest.Options{})
	var asked struct {
		Name   string
		Labels map[string]string
	}
	var planted atomic.Bool
	s.Intercept(func(w http.ResponseWriter, r *http.Request) bool {
		switch {
		case creates(r):
			json.NewDecoder(r.Body).Decode(&asked)
			<-r.Context().Done()
			return true
		case r.Method == http.MethodGet && strings.HasPrefix(r.URL.Path, "/api/sandbox/mark-") && planted.CompareAndSwap(false, true):
			daytonatest.Fail(w, r, 404, "Sandbox not found")
			s.Plant(asked.Name, asked.Labels)
			return true
		}
		return false
	})
	config := configFor(t, s)
	config.OpenTime, config.Sweep = 2*time.Second, time.Hour
	p := provider(t, s, config)
	refused(t, p, execution.Spec{})
	eventually(t, "the sandbox has appeared", planted.Load)
	eventually(t, "it is deleted", none(s))
}

// The answer to a creation that was done is an error: the repeated one must find
// it and not make another.
func TestCreateIsNotDoneTwice(t *testing.T) {
	t.Parallel()
	s := standIn(t, daytonatest.Options{})
	var first atomic.Bool
	s.OnCreated(func(context.Context) {
		if first.CompareAndSwap(false, true) {
			panic(http.ErrAbortHandler)
		}
	})
	p := provider(t, s, configFor(t, s))
	prints(t, open(t, p, execution.Spec{}), "print(1)", "1\n")
	if n := s.Made(); n != 1 {
		t.Errorf("%d sandboxes were made", n)
	}
}

func TestRateLimit(t *testing.T) {
	t.Parallel()
	for _, header := range []string{"Retry-After", "Retry-After-Sandbox-Create"} {
		t.Run(header, func(t *testing.T) {
			t.Parallel()
			s := standIn(t, daytonatest.Options{})
			var at []time.Time
			s.Intercept(func(w http.ResponseWriter, r *http.Request) bool {
				if !creates(r) {
					return false
				}
				if at = append(at, time.Now()); len(at) > 1 {
					daytonatest.Fail(w, r, 404, "Snapshot not found")
					return true
				}
				w.Header().Set(header, "2")
				daytonatest.Fail(w, r, 429, "Rate limit exceeded")
				return true
			})
			refused(t, provider(t, s, configFor(t, s)), execution.Spec{})
			if len(at) != 2 || at[1].Sub(at[0]) < 2*time.Second {
				t.Errorf("it was asked at %v", at)
			}
		})
	}
	t.Run("for longer than one waits", func(t *testing.T) {
		t.Parallel()
		s := standIn(t, daytonatest.Options{})
		s.Intercept(func(w http.ResponseWriter, r *http.Request) bool {
			if creates(r) {
				w.Header().Set("Retry-After", "3600")
				daytonatest.Fail(w, r, 429, "Too many requests")
			}
			return creates(r)
		})
		contains(t, "the message", refused(t, provider(t, s, configFor(t, s)), execution.Spec{}).Message, "limits how often", "try again")
	})
}

// Everything fails once and works the next time.
func TestServerErrors(t *testing.T) {
	t.Parallel()
	s := standIn(t, daytonatest.Options{})
	var failed atomic.Int32
	seen := map[string]bool{}
	mu := make(chan struct{}, 1)
	s.Intercept(func(w http.ResponseWriter, r *http.Request) bool {
		mu <- struct{}{}
		defer func() { <-mu }()
		what := r.Method + " " + r.URL.Path + r.URL.Query().Get("path")
		if seen[what] {
			return false
		}
		seen[what] = true
		failed.Add(1)
		daytonatest.Fail(w, r, []int{500, 502, 503, 504}[failed.Load()%4], "failing in passing")
		return true
	})
	session := open(t, provider(t, s, configFor(t, s)), execution.Spec{})
	prints(t, session, "x = 1\nprint(x)", "1\n")
	prints(t, session, "print(x + 1)", "2\n")
	if n := failed.Load(); n < 6 {
		t.Errorf("only %d requests failed", n)
	}
}

func TestDaytonaCannotBeReached(t *testing.T) {
	t.Parallel()
	s := standIn(t, daytonatest.Options{})
	config := configFor(t, s)
	config.APIURL, config.Patience = "http://"+unreachable+"/api", 300*time.Millisecond
	p, err := daytona.New(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	if i := p.Isolation(); i.Ready || !strings.Contains(i.Detail, "cannot be reached") {
		t.Errorf("the isolation is %+v", i)
	}
	contains(t, "the message", refused(t, p, execution.Spec{}).Message, unreachable, "cannot be reached")
	if err := p.Close(); err == nil {
		t.Error("that sandboxes may be left was not told")
	}
}
