package daytona_test

import (
	"context"
	"fmt"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	sdk "github.com/daytonaio/daytona/libs/sdk-go/pkg/daytona"
	"github.com/daytonaio/daytona/libs/sdk-go/pkg/types"

	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/sandbox/daytona"
	"github.com/mark-analyst/mark/sandbox/daytona/daytonatest"
)

func withFile(t testing.TB, name, content string) execution.Spec {
	t.Helper()
	path := filepath.Join(t.TempDir(), "upload")
	if err := os.WriteFile(path, []byte(content), 0o600); err != nil {
		t.Fatal(err)
	}
	return execution.Spec{Files: []execution.File{{Name: name, Path: path}}}
}

// Daytona stops a sandbox that is idle, while the model thinks.
func TestStoppedBetweenSteps(t *testing.T) {
	t.Parallel()
	for name, idle := range map[string]time.Duration{"asked before the step": time.Nanosecond, "noticed in the step": time.Hour} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			s := standIn(t, daytonatest.Options{})
			config := configFor(t, s)
			config.Idle = idle
			session := open(t, provider(t, s, config), withFile(t, "a.csv", "x\n1\n"))
			run(t, session, "x = 1\nopen('kept.txt', 'w').write('kept');")
			s.Stop(s.Sandboxes()[0].ID)
			o := run(t, session, "print(x)")
			o.ends(t, execution.CodeDied, false)
			contains(t, "the message", o.err.Message, "variables are lost")
			prints(t, session, "print('x' in globals(), open('kept.txt').read(), len(pd.read_csv('a.csv')))", "False kept 1\n")
			if b := s.Sandboxes(); len(b) != 1 || b[0].Starts != 2 {
				t.Errorf("there are %+v", b)
			}
		})
	}
}

func TestStoppedBeforeTheFirstStep(t *testing.T) {
	t.Parallel()
	s := standIn(t, daytonatest.Options{})
	config := configFor(t, s)
	config.Idle = time.Nanosecond
	session := open(t, provider(t, s, config), execution.Spec{})
	s.Stop(s.Sandboxes()[0].ID)
	prints(t, session, "print('nothing was lost')", "nothing was lost\n")
}

// Closing a session does not wait for Daytona to start its sandbox again, and leaves
// nothing that was begun for it.
func TestClosedWhileItIsStartedAgain(t *testing.T) {
	t.Parallel()
	s := standIn(t, daytonatest.Options{})
	config := configFor(t, s)
	config.Idle = time.Nanosecond
	session := open(t, provider(t, s, config), execution.Spec{})
	prints(t, session, "x = 1", "")
	s.Stop(s.Sandboxes()[0].ID)
	starting := make(chan struct{})
	s.Intercept(func(_ http.ResponseWriter, r *http.Request) bool {
		if !strings.HasSuffix(r.URL.Path, "/start") {
			return false
		}
		close(starting)
		<-r.Context().Done()
		return true
	})
	ended := make(chan outcome, 1)
	go func() { ended <- run(t, session, "print(x)") }()
	<-starting
	if err := session.Close(); err != nil {
		t.Fatal(err)
	}
	o := <-ended
	o.ends(t, execution.CodeUnavailable, true)
	contains(t, "the message", o.err.Message, "closed")
	eventually(t, "the sandbox is deleted", none(s))
}

func TestStoppedInAStep(t *testing.T) {
	t.Parallel()
	s := standIn(t, daytonatest.Options{})
	session := open(t, provider(t, s, configFor(t, s)), execution.Spec{})
	stopped := false
	o := runWith(t, session, "print('on')\nimport time\ntime.sleep(60)", func(execution.Event) {
		if !stopped {
			stopped = true
			s.Stop(s.Sandboxes()[0].ID)
		}
	})
	o.ends(t, execution.CodeDied, false)
	contains(t, "the message", o.err.Message, "in the middle of the step")
	prints(t, session, "print('again')", "again\n")
}

func TestDeletedWhileIdle(t *testing.T) {
	t.Parallel()
	s := standIn(t, daytonatest.Options{})
	config := configFor(t, s)
	config.Idle = time.Nanosecond
	session := open(t, provider(t, s, config), execution.Spec{})
	prints(t, session, "x = 1", "")
	s.Delete(s.Sandboxes()[0].ID)
	o := run(t, session, "print(x)")
	o.ends(t, execution.CodeDied, true)
	contains(t, "the message", o.err.Message, "deleted the sandbox", "run the earlier steps again")
	run(t, session, "1").ends(t, execution.CodeDied, true)
}

// A step that runs for long keeps its sandbox awake, for processes do not count.
// The interval is the shortest that Daytona has, too long for a test to wait for:
// what is tested is that an idle sandbox is not taken for a stopped one.
func TestIdleSandboxThatStillRuns(t *testing.T) {
	t.Parallel()
	s := standIn(t, daytonatest.Options{})
	config := configFor(t, s)
	config.Idle = time.Nanosecond
	session := open(t, provider(t, s, config), execution.Spec{})
	prints(t, session, "x = 1", "")
	prints(t, session, "print(x)", "1\n")
}

func TestNetwork(t *testing.T) {
	t.Parallel()
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { listener.Close() })
	reachable := listener.Addr().String()
	t.Run("blocked", func(t *testing.T) {
		t.Parallel()
		s := standIn(t, daytonatest.Options{})
		p := provider(t, s, configFor(t, s))
		contains(t, "the isolation at first", p.Isolation().Detail, "is asked for", "will tell")
		open(t, p, execution.Spec{})
		contains(t, "the isolation", p.Isolation().Detail, "is blocked", "none of 1 addresses", "the snapshot mark-plotly")
	})
	t.Run("open", func(t *testing.T) {
		t.Parallel()
		s := standIn(t, daytonatest.Options{})
		config := configFor(t, s)
		config.Probe = []string{unreachable, reachable}
		p := provider(t, s, config)
		failure := refused(t, p, execution.Spec{})
		contains(t, "the message", failure.Message, "did not block the network", reachable, "MARK_DAYTONA_ALLOW_NETWORK")
		if i := p.Isolation(); i.Ready || i.Detail != failure.Message {
			t.Errorf("the isolation is %+v", i)
		}
		eventually(t, "the sandbox is deleted", none(s))
	})
	t.Run("open and accepted", func(t *testing.T) {
		t.Parallel()
		s := standIn(t, daytonatest.Options{})
		config := configFor(t, s)
		config.Probe, config.AllowNetwork, config.Resolve = []string{reachable}, true, "localhost"
		p := provider(t, s, config)
		prints(t, open(t, p, execution.Spec{}), "print(1)", "1\n")
		contains(t, "the isolation", p.Isolation().Detail, "THE NETWORK IS OPEN", reachable)
		if !s.Sandboxes()[0].NetworkBlockAll {
			t.Error("the block was not asked for")
		}
	})
	t.Run("blocked but for names", func(t *testing.T) {
		t.Parallel()
		s := standIn(t, daytonatest.Options{})
		config := configFor(t, s)
		config.Resolve = "localhost"
		p := provider(t, s, config)
		open(t, p, execution.Spec{})
		contains(t, "the isolation", p.Isolation().Detail, "is blocked", "names can still be looked up")
	})
}

// A file larger than one upload, and one that is empty.
func TestInputs(t *testing.T) {
	t.Parallel()
	s := standIn(t, daytonatest.Options{})
	var parts atomic.Int32
	s.BreakUploads(func(path string) bool {
		if strings.Contains(path, "/parts/") {
			parts.Add(1)
		}
		return false
	})
	p := provider(t, s, configFor(t, s))
	spec := withFile(t, "größe & 'quoted'.csv", strings.Repeat("0123456789abcdef", 20<<20/16)+"end")
	spec.Files = append(spec.Files, withFile(t, "empty", "").Files...)
	session := open(t, p, spec)
	prints(t, session, `import hashlib, os
data = open("größe & 'quoted'.csv", "rb").read()
print(len(data), data[-3:], data[8 << 20:(8 << 20) + 4], os.path.getsize("empty"))`, "20971523 b'end' b'0123' 0\n")
	if n := parts.Load(); n != 3 {
		t.Errorf("they came in %d parts", n)
	}
}

func TestBadFiles(t *testing.T) {
	t.Parallel()
	s := standIn(t, daytonatest.Options{})
	p := provider(t, s, configFor(t, s))
	made := withFile(t, "a", "").Files[0]
	for _, names := range [][]string{{""}, {"."}, {".."}, {"a/b"}, {"a\nb"}, {"\xff"}, {"twice", "twice"}} {
		var spec execution.Spec
		for _, name := range names {
			spec.Files = append(spec.Files, execution.File{Name: name, Path: made.Path})
		}
		contains(t, "the message", refused(t, p, spec).Message, "name that cannot be used")
	}
	if n := s.Made(); n != 0 {
		t.Errorf("%d sandboxes were made for files that cannot be", n)
	}
	refused(t, p, execution.Spec{Files: []execution.File{{Name: "gone", Path: filepath.Join(t.TempDir(), "gone")}}})
	eventually(t, "the sandbox is deleted", none(s))
}

func TestOrphansAreDeleted(t *testing.T) {
	t.Parallel()
	s := standIn(t, daytonatest.Options{})
	config := configFor(t, s)
	p, err := daytona.New(t.Context(), config)
	if err != nil {
		t.Fatal(err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	node, err := os.ReadFile(filepath.Join(config.Dir, "node"))
	if err != nil {
		t.Fatal(err)
	}
	mine := map[string]string{"managed-by": "mark", "node": strings.TrimSpace(string(node))}
	for i := range 130 { // more than a page
		s.Plant(fmt.Sprintf("left-%d", i), mine)
	}
	s.Plant("another-node", map[string]string{"managed-by": "mark", "node": "other"})
	s.Plant("somebody", map[string]string{"node": mine["node"]})
	provider := func() *daytona.Provider {
		p, err := daytona.New(t.Context(), config)
		if err != nil {
			t.Fatal(err)
		}
		return p
	}
	config.Sweep = 50 * time.Millisecond
	p = provider()
	names := map[string]bool{}
	for _, b := range s.Sandboxes() {
		names[b.Name] = true
	}
	if len(names) != 2 || !names["another-node"] || !names["somebody"] {
		t.Errorf("%d sandboxes are left: %v", len(names), names)
	}
	session := open(t, p, execution.Spec{})
	s.Plant("later", mine)
	eventually(t, "an orphan of later is deleted", func() bool { return len(s.Sandboxes()) == 3 })
	prints(t, session, "print('not an orphan')", "not an orphan\n")
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	if n := len(s.Sandboxes()); n != 2 {
		t.Errorf("%d sandboxes are left", n)
	}
}

// What a service that was killed had taken of its sessions' files is not kept.
func TestFilesOfAFormerServiceAreRemoved(t *testing.T) {
	t.Parallel()
	s := standIn(t, daytonatest.Options{})
	config := configFor(t, s)
	left := filepath.Join(config.Dir, "session-1", "artifacts-1")
	if err := os.MkdirAll(left, 0o700); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(filepath.Join(left, "artifact-1"), []byte("x"), 0o600); err != nil {
		t.Fatal(err)
	}
	provider(t, s, config) // which must leave nothing
}

func TestPool(t *testing.T) {
	t.Parallel()
	s := standIn(t, daytonatest.Options{})
	config := configFor(t, s)
	config.Pool = 1
	p := provider(t, s, config)
	eventually(t, "the pool is full", func() bool { return strings.Contains(p.Isolation().Detail, "network is blocked") })
	before := s.Sandboxes()
	prints(t, open(t, p, execution.Spec{}), "print('warm')", "warm\n")
	eventually(t, "the pool is full again", func() bool { return s.Made() == 2 })
	if len(before) != 1 {
		t.Fatalf("the pool had %d sandboxes", len(before))
	}
	// Of those in the pool, one was stopped meanwhile: the session gets another.
	for _, b := range s.Sandboxes() {
		if b.ID != before[0].ID {
			s.Stop(b.ID)
		}
	}
	prints(t, open(t, p, execution.Spec{}), "print('another')", "another\n")
}

func TestAllSessionsInUse(t *testing.T) {
	t.Parallel()
	s := standIn(t, daytonatest.Options{})
	config := configFor(t, s)
	config.Sessions = 1
	p := provider(t, s, config)
	first := open(t, p, execution.Spec{})
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := p.Open(ctx, execution.Spec{}); err == nil || !strings.Contains(err.Error(), "All 1 Python sessions are in use") {
		t.Errorf("a second one gave %v", err)
	}
	if err := first.Close(); err != nil {
		t.Fatal(err)
	}
	open(t, p, execution.Spec{})
}

func TestCloseEndsEverything(t *testing.T) {
	t.Parallel()
	s := standIn(t, daytonatest.Options{})
	config := configFor(t, s)
	p := provider(t, s, config)
	session := open(t, p, execution.Spec{})
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	nothingLeft(t, s, config)
	if o := run(t, session, "1"); o.err == nil || !o.err.Fatal {
		t.Errorf("a step then ended with %v", o.err)
	}
	refused(t, p, execution.Spec{})
	if err := p.Close(); err != nil {
		t.Errorf("closing twice: %v", err)
	}
}

func TestConfigurationsThatCannotWork(t *testing.T) {
	t.Parallel()
	for want, change := range map[string]func(*daytona.Config){
		"no API key":              func(c *daytona.Config) { c.APIKey = "" },
		"address":                 func(c *daytona.Config) { c.APIURL = "app.daytona.io" },
		"a snapshot and an image": func(c *daytona.Config) { c.Image = "x" },
		"more than one line":      func(c *daytona.Config) { c.Snapshot, c.Image = "", "x\nRUN evil" },
		"a pool of 300":           func(c *daytona.Config) { c.Pool = 300 },
		"after a minute at least": func(c *daytona.Config) { c.AutoStop = time.Second },
	} {
		config := daytona.Config{APIKey: "k", APIURL: "http://" + unreachable, Snapshot: "s", Dir: t.TempDir()}
		change(&config)
		p, err := daytona.New(t.Context(), config)
		if err == nil {
			p.Close()
			t.Errorf("no error says %q", want)
		} else if !strings.Contains(err.Error(), want) {
			t.Errorf("the error is %v, want %q in it", err, want)
		}
	}
}

// The stand-in lists files as newer daemons do: whoever asks the SDK fails, so the
// provider must not.
func TestListFilesOfNewerDaemons(t *testing.T) {
	t.Parallel()
	s := standIn(t, daytonatest.Options{})
	open(t, provider(t, s, configFor(t, s)), withFile(t, "a.csv", "x\n"))
	client, err := sdk.NewClientWithConfig(&types.DaytonaConfig{APIKey: s.Key(), APIUrl: s.APIURL()})
	if err != nil {
		t.Fatal(err)
	}
	id := s.Sandboxes()[0].ID
	sandbox, err := client.Get(t.Context(), id)
	if err != nil {
		t.Fatal(err)
	}
	if files, err := sandbox.FileSystem.ListFiles(t.Context(), s.Root(id)+"/mnt/input"); err == nil {
		t.Errorf("the SDK lists %d files", len(files))
	}
}
