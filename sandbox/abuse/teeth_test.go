package abuse_test

import (
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/mark-analyst/mark/sandbox/gvisor/gvisortest"
)

// edit is a change to one file of the repository.
type edit struct{ file, old, new string }

// defence is one thing that keeps a session in, and what shows that it does.
type defence struct {
	name string
	off  []edit // what switches it off
	run  string // the tests of sandbox/gvisor to run then
	want string // of which this one, a regular expression, must fail
	// selftest is what the service's own self-test says of it, where it is
	// meant to notice. It is switched off for the tests above, which would not
	// get to run.
	selftest string
}

// noSelftest makes the service believe that it has been checked.
var noSelftest = edit{"sandbox/gvisor/selftest_linux.go", "err == nil && string(kept) == proof", "err == nil || kept == nil || proof != \"\""}

// A test that passes whether or not a defence is there says nothing about it. Here
// each is taken away, by building the tests from changed sources (go's -overlay:
// no switch is needed in the product), and a test must fail.
func TestEveryDefenceIsMissedWhenItIsGone(t *testing.T) {
	if os.Getenv("MARK_TEST_TEETH") == "" {
		t.Skip("takes some ten minutes: set MARK_TEST_TEETH, or `make teeth`")
	}
	gvisortest.Tree(t)
	for _, d := range defences {
		t.Run(d.name, func(t *testing.T) {
			b := breakIt(t, d.off)
			out, err := b.test(t, append([]edit{noSelftest}, d.off...), d.run)
			failed := regexp.MustCompile(`(?m)^ *--- FAIL: (` + d.want + `) `).FindString(out)
			if exit := (*exec.ExitError)(nil); !errors.As(err, &exit) || failed == "" {
				t.Errorf("without it no test that matches %s fails (%v): %.6000s", d.want, err, out)
			}
			t.Logf("without it:%s", regexp.MustCompile(`(?m)^ *--- FAIL: .*`).FindAllString(out, -1))
			if d.selftest == "" {
				return
			}
			if out, _ := b.test(t, d.off, "TestPandasAndState"); !strings.Contains(out, "self-test found") || !strings.Contains(out, d.selftest) {
				t.Errorf("the self-test does not say that %s: %.3000s", d.selftest, out)
			}
		})
	}
}

// broken is the product without a defence.
type broken struct {
	root     string // the repository
	dir      string // for what is built and for sandboxes
	launcher string
}

func breakIt(t *testing.T, off []edit) broken {
	t.Helper()
	shared, err := filepath.Abs(gvisortest.Dir(t))
	if err != nil {
		t.Fatal(err)
	}
	b := broken{root: repository(t)}
	// Beside the shared folder, so that the runtime can be linked instead of copied:
	// its folders are new ones, for programs that may now write to them.
	if b.dir, err = os.MkdirTemp(filepath.Dir(shared), "teeth-"); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := os.RemoveAll(b.dir); err != nil {
			t.Error(err)
		}
	})
	if err := os.Chmod(b.dir, 0o755); err != nil {
		t.Fatal(err)
	}
	trees, err := filepath.Glob(filepath.Join(shared, "python-*"))
	if err != nil {
		t.Fatal(err)
	}
	if out, err := exec.Command("cp", append(append([]string{"-al"}, trees...), b.dir)...).CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	b.launcher = gvisortest.Launcher(t)
	for _, e := range off {
		if !strings.HasPrefix(e.file, "sandbox/gvisor/launcher/") {
			continue
		}
		b.launcher = filepath.Join(b.dir, "mark-sandbox")
		cmd := exec.Command("go", "build", "-trimpath", "-buildvcs=false", "-ldflags=-s -w", "-overlay", b.overlay(t, off), "-o", b.launcher, ".")
		cmd.Dir = filepath.Join(b.root, "sandbox/gvisor/launcher")
		cmd.Env = append(os.Environ(), "CGO_ENABLED=0", "GOWORK=off", "GOFLAGS=")
		if out, err := cmd.CombinedOutput(); err != nil {
			t.Fatalf("building the launcher: %v\n%s", err, out)
		}
		break
	}
	return b
}

// overlay writes the changed files and returns the file that tells go of them.
func (b broken) overlay(t *testing.T, edits []edit) string {
	t.Helper()
	texts := map[string]string{}
	for _, e := range edits {
		path := filepath.Join(b.root, e.file)
		if texts[path] == "" {
			text, err := os.ReadFile(path)
			if err != nil {
				t.Fatal(err)
			}
			texts[path] = string(text)
		}
		if !strings.Contains(texts[path], e.old) {
			t.Fatalf("%s no longer holds %q: how is this defence switched off now?", e.file, e.old)
		}
		texts[path] = strings.ReplaceAll(texts[path], e.old, e.new)
	}
	dir, err := os.MkdirTemp(b.dir, "overlay-")
	if err != nil {
		t.Fatal(err)
	}
	replace := map[string]string{}
	for path, text := range texts {
		changed := filepath.Join(dir, strings.ReplaceAll(strings.TrimPrefix(path, b.root), "/", "_"))
		if err := os.WriteFile(changed, []byte(text), 0o644); err != nil {
			t.Fatal(err)
		}
		replace[path] = changed
	}
	text, err := json.Marshal(map[string]any{"Replace": replace})
	if err != nil {
		t.Fatal(err)
	}
	list := filepath.Join(dir, "overlay.json")
	if err := os.WriteFile(list, text, 0o644); err != nil {
		t.Fatal(err)
	}
	return list
}

// test runs tests of the broken product and returns what they say.
func (b broken) test(t *testing.T, edits []edit, run string) (string, error) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "test", "-count=1", "-timeout", "240s", "-overlay", b.overlay(t, edits), "-run", run, "./sandbox/gvisor")
	cmd.Dir = b.root
	cmd.Env = append(os.Environ(), "MARK_SANDBOX_DIR="+b.dir, "MARK_TEST_LAUNCHER="+b.launcher)
	out, err := cmd.CombinedOutput()
	return string(out), err
}

// Sources change: each defence is still where it is taken away, also where nobody
// has the ten minutes.
func TestEveryDefenceCanBeTakenAway(t *testing.T) {
	root := repository(t)
	for _, d := range defences {
		for _, e := range append([]edit{noSelftest}, d.off...) {
			text, err := os.ReadFile(filepath.Join(root, e.file))
			if err != nil {
				t.Fatal(err)
			}
			if !strings.Contains(string(text), e.old) {
				t.Errorf("%s: %s no longer holds %q", d.name, e.file, e.old)
			}
		}
	}
}

// repository is where the sources are.
func repository(t *testing.T) string {
	t.Helper()
	out, err := exec.Command("go", "env", "GOMOD").Output()
	if err != nil {
		t.Fatal(err)
	}
	return filepath.Dir(strings.TrimSpace(string(out)))
}
