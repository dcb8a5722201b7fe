package gvisor_test

import (
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"golang.org/x/sys/unix"

	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/sandbox/gvisor/gvisortest"
)

const nobody = 65534

// A service that is an ordinary user has everything it needs: a checkpoint of its
// own, sessions, and files that only it can read.
func TestOrdinaryUser(t *testing.T) {
	if os.Geteuid() != 0 {
		// Then that is what all other tests show.
		r, _ := job{Config: gvisortest.Config(t), Input: writeFile(t, t.TempDir(), 0o600)}.run(t, testBinary(t), nil)
		checkWorks(t, r)
		return
	}
	dir := publicDir(t)
	j := job{Config: private(t, dir), User: nobody, Tree: filepath.Join(dir, "tree")}
	j.Config.Launcher = copyOf(t, j.Config.Launcher, filepath.Join(dir, "mark-sandbox"))
	for _, d := range []string{j.Config.Dir, j.Tree} {
		if err := os.Mkdir(d, 0o700); err != nil {
			t.Fatal(err)
		}
	}
	j.Input = writeFile(t, dir, 0o600)
	for _, path := range []string{j.Config.Dir, j.Input} {
		if err := os.Chown(path, nobody, nobody); err != nil {
			t.Fatal(err)
		}
	}
	r, _ := j.run(t, copyOf(t, testBinary(t), filepath.Join(dir, "gvisor.test")), &syscall.SysProcAttr{Cloneflags: unix.CLONE_NEWNS})
	checkWorks(t, r)
	if r.UID != nobody {
		t.Errorf("the test ran as user %d", r.UID)
	}
}

// Nothing has to be reachable for the sessions' user: not the launcher, not the
// sandbox's folder, not the inputs.
func TestBelowAPrivateHome(t *testing.T) {
	home := filepath.Join(t.TempDir(), "home")
	if err := os.Mkdir(home, 0o700); err != nil {
		t.Fatal(err)
	}
	j := job{Config: private(t, home), Input: writeFile(t, home, 0o600)}
	j.Config.Launcher = copyOf(t, j.Config.Launcher, filepath.Join(home, "mark-sandbox"))
	r, _ := j.run(t, testBinary(t), nil)
	checkWorks(t, r)
}

// Services that start at once, with no checkpoint there, make one between them.
func TestServicesAtOnce(t *testing.T) {
	j := job{Config: private(t, t.TempDir()), Input: writeFile(t, t.TempDir(), 0o600)}
	t.Run("both", func(t *testing.T) {
		for _, name := range []string{"one", "other"} {
			t.Run(name, func(t *testing.T) {
				t.Parallel()
				r, _ := j.run(t, testBinary(t), nil)
				checkWorks(t, r)
			})
		}
	})
	made, err := filepath.Glob(filepath.Join(j.Config.Dir, "checkpoint-*"))
	if err != nil || len(made) != 1 {
		t.Errorf("the checkpoints are %v (%v)", made, err)
	}
}

// writeFile makes the input of a job.
func writeFile(t *testing.T, dir string, mode os.FileMode) string {
	t.Helper()
	path := filepath.Join(dir, "input")
	if err := os.WriteFile(path, []byte("for your eyes only"), mode); err != nil {
		t.Fatal(err)
	}
	return path
}

func checkWorks(t *testing.T, r report) {
	t.Helper()
	if !r.Isolation.Ready || r.Error != "" || r.Printed != "for your eyes only" {
		t.Errorf("it came to %+v", r)
	}
}

// What cannot be had is refused, in words that say what to do.
func TestRefusals(t *testing.T) {
	namespaces := &syscall.SysProcAttr{
		Cloneflags:  unix.CLONE_NEWUSER,
		UidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}},
		GidMappings: []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}},
	}
	good := gvisortest.Config(t)
	noLauncher, strange, broken := good, good, good
	noLauncher.Launcher = filepath.Join(t.TempDir(), "mark-sandbox")
	strange.Launcher = "/bin/true"
	strange.Dir = t.TempDir()
	broken.Launcher = filepath.Join(t.TempDir(), "mark-sandbox")
	broken.Dir = t.TempDir()
	if err := os.WriteFile(broken.Launcher, []byte("not a program"), 0o755); err != nil {
		t.Fatal(err)
	}
	noTree := good
	noTree.Tree.Root = filepath.Join(t.TempDir(), "root")
	for name, c := range map[string]struct {
		job  job
		attr *syscall.SysProcAttr
		want []string
	}{
		"no launcher":        {job: job{Config: noLauncher}, want: []string{"mark-sandbox", "make build"}},
		"another program":    {job: job{Config: strange}, want: []string{"launcher ended"}},
		"not a program":      {job: job{Config: broken}, want: []string{"exec format error"}},
		"no runtime":         {job: job{Config: noTree}, want: []string{"no such file"}},
		"no user namespaces": {job: job{Config: good, NoUserNamespaces: true}, attr: namespaces, want: []string{"user", "max_user_namespaces"}},
	} {
		t.Run(name, func(t *testing.T) {
			if c.job.NoUserNamespaces {
				c.job.Config.Dir = t.TempDir() // nothing proven before
			}
			r, _ := c.job.run(t, testBinary(t), c.attr)
			if r.Isolation.Ready || r.Code != execution.CodeUnavailable || r.Printed != "" {
				t.Fatalf("it came to %+v", r)
			}
			for _, want := range c.want {
				if !strings.Contains(r.Isolation.Detail, want) {
					t.Errorf("%q does not speak of %q", r.Isolation.Detail, want)
				}
			}
		})
	}
}
