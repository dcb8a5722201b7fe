package gvisor

import (
	"errors"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/sandbox/pyruntime"
)

// honest is the report of a session as it should be.
func honest() selftestReport {
	r := selftestReport{
		Refused: map[string][]string{}, Environment: []string{"HOME", "LC_CTYPE"}, Interfaces: []string{"lo"},
		Processes: []int{1}, UID: sessionUser, Capabilities: []string{"0000", "0000", "0000"}, Kernel: "#1 SMP gVisor",
	}
	for i := range selftestTries {
		r.Refused[strings.Repeat("x", i+1)] = []string{"refused", "OSError"}
	}
	return r
}

// Every single sign of a session that is not isolated is a breach.
func TestSelftestJudges(t *testing.T) {
	for name, c := range map[string]struct {
		change func(r *selftestReport)
		want   string // "" for no breach
	}{
		"as it should be":    {change: func(r *selftestReport) {}},
		"an attempt worked":  {change: func(r *selftestReport) { r.Refused["x"] = []string{"done", "read"} }, want: "x worked"},
		"odd outcome":        {change: func(r *selftestReport) { r.Refused["x"] = nil }, want: "x worked"},
		"an attempt missing": {change: func(r *selftestReport) { delete(r.Refused, "x") }, want: "9 of 10"},
		"a variable":         {change: func(r *selftestReport) { r.Environment = append(r.Environment, "MARK_JWT_SECRET") }, want: "MARK_JWT_SECRET"},
		"an interface":       {change: func(r *selftestReport) { r.Interfaces = append(r.Interfaces, "eth0") }, want: "eth0"},
		"processes":          {change: func(r *selftestReport) { r.Processes = append(r.Processes, 2) }, want: "2 processes"},
		"root":               {change: func(r *selftestReport) { r.UID = 0 }, want: "user 0"},
		"a capability":       {change: func(r *selftestReport) { r.Capabilities[1] = "0400" }, want: "capabilities"},
		"no capability sets": {change: func(r *selftestReport) { r.Capabilities = nil }, want: "capabilities"},
		"the host's kernel":  {change: func(r *selftestReport) { r.Kernel = "#1 SMP Host" }, want: "kernel"},
		"no kernel":          {change: func(r *selftestReport) { r.Kernel = "" }, want: "kernel"},
	} {
		t.Run(name, func(t *testing.T) {
			r := honest()
			c.change(&r)
			got := strings.Join(r.breaches("6.1.0 #1 SMP Host", []string{"HOME"}), "; ")
			if (c.want == "") != (got == "") || !strings.Contains(got, c.want) {
				t.Errorf("breaches are %q, want %q", got, c.want)
			}
		})
	}
}

// selftest.py makes as many attempts as are asked for.
func TestSelftestTries(t *testing.T) {
	if got := strings.Count(selftestCode, ": outcome("); got != selftestTries {
		t.Errorf("selftest.py makes %d attempts, want %d", got, selftestTries)
	}
}

func TestMapped(t *testing.T) {
	for name, c := range map[string]struct {
		table string
		id    int
		want  bool
	}{
		"the machine itself": {"         0          0 4294967295\n", 64738, true},
		"one id":             {"0 1000 1\n", 64738, false},
		"its own":            {"0 1000 1\n", 0, true},
		"a second line":      {"0 1000 1\n1 100000 65536\n", 64738, true},
		"just outside":       {"0 100000 64738\n", 64738, false},
		"just inside":        {"0 100000 64739\n", 64738, true},
		"nothing":            {"", 0, false},
		"nonsense":           {"a b c\n", 0, false},
	} {
		if got := mapped(c.table, c.id); got != c.want {
			t.Errorf("%s: mapped = %v, want %v", name, got, c.want)
		}
	}
}

func TestMayMount(t *testing.T) {
	for status, want := range map[string]bool{
		"Name:\tx\nCapEff:\t000001ffffffffff\nCapBnd:\t0\n": true,
		"CapEff:\t00000000a80425fb\n":                       false, // what a container's root has by default
		"CapEff:\t0000000000200000":                         true,
		"":                                                  false,
	} {
		if got := mayMount(status); got != want {
			t.Errorf("mayMount(%q) = %v, want %v", status, got, want)
		}
	}
}

// A file that cannot be mounted for the session's user is copied for it alone.
func TestInputsAreCopiedAtLast(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Skip("only root can have files that are somebody else's")
	}
	path := filepath.Join(t.TempDir(), "blob")
	if err := os.WriteFile(path, []byte("somebody's"), 0o600); err != nil {
		t.Fatal(err)
	}
	if err := os.Chown(path, 12345, 12345); err != nil {
		t.Fatal(err)
	}
	for name, uid := range map[string]int{"another user": DefaultUID, "the service's own": 0} {
		dir := t.TempDir()
		e := &engine{uid: uid}
		mounts, held, err := e.mountInputs(dir, []execution.File{{Name: "f", Path: path}})
		if err != nil {
			t.Fatal(err)
		}
		if len(mounts) != 1 || mounts[0].From != dir || !held["f"].copied {
			t.Errorf("%s: mounted %v, held %v", name, mounts, held)
		}
		inside := filepath.Join(dir, "f")
		b, err := os.ReadFile(inside)
		if err != nil || string(b) != "somebody's" {
			t.Errorf("%s: %s holds %q (%v)", name, inside, b, err)
		}
		info, err := os.Stat(inside)
		if err != nil {
			t.Fatal(err)
		}
		if st := info.Sys().(*syscall.Stat_t); int(st.Uid) != uid || st.Mode&0o077 != 0 {
			t.Errorf("%s: the copy belongs to %d with mode %o", name, st.Uid, st.Mode)
		}
	}
}

// A runtime tree in which anything has changed is another one: a session would mix
// modules of the old one, in its memory, with those of the new.
func TestAnAlteredTreeNeedsAnotherCheckpoint(t *testing.T) {
	root := t.TempDir()
	module := filepath.Join(root, "module.py")
	write := func(path, text string) func() error {
		return func() error { return os.WriteFile(path, []byte(text), 0o644) }
	}
	e := &engine{config: Config{Launcher: os.Args[0], Tree: pyruntime.Tree{Root: root, Key: "same"}}}
	seen := map[string]string{}
	for _, c := range []struct {
		name   string
		change func() error
	}{
		{"as it was built", write(module, "x = 1\n")},
		{"another length", write(module, "x = 10\n")},
		{"a later time", func() error { return os.Chtimes(module, time.Time{}, time.Now().Add(time.Hour)) }},
		{"another mode", func() error { return os.Chmod(module, 0o755) }},
		{"one file more", write(filepath.Join(root, "more.py"), "")},
		{"one file less", func() error { return os.Remove(module) }},
	} {
		if err := c.change(); err != nil {
			t.Fatal(err)
		}
		key, err := e.checkpointKey()
		if err != nil {
			t.Fatal(err)
		}
		if again, err := e.checkpointKey(); err != nil || again != key {
			t.Fatalf("%s: the key is %s, then %s (%v)", c.name, key, again, err)
		}
		if twin, twice := seen[key]; twice {
			t.Errorf("%s: the key is that of %q", c.name, twin)
		}
		seen[key] = c.name
	}
}

func TestSentence(t *testing.T) {
	err := &obstacle{what: "it is gone", todo: "Bring it back.", err: errors.New("cause.")}
	if got, want := sentence(err), "it is gone: cause. Bring it back."; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
	if got, want := sentence(errors.New("odd")), "odd."; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestTailKeepsTheEnd(t *testing.T) {
	var last tail
	for range 3 {
		if _, err := last.Write([]byte(strings.Repeat("a", tailBytes-1))); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := last.Write([]byte("end")); err != nil {
		t.Fatal(err)
	}
	if got := last.String(); len(got) != tailBytes || !strings.HasSuffix(got, "aend") {
		t.Errorf("kept %d bytes, ending in %q", len(got), got[len(got)-5:])
	}
}
