package bench_test

import (
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/sandbox/gvisor"
	"github.com/mark-analyst/mark/sandbox/gvisor/gvisortest"
)

// stepTime is what an attack may take, and what peers.py gives those that can be
// told.
const stepTime = 3 * time.Second

// nextStep stands between the steps of an attack.
const nextStep = "# --- next step\n"

// attack is a program of the abuse suite.
type attack struct {
	name  string
	steps []string
}

// readAttacks reads a folder of programs, and those below it.
func readAttacks(b *testing.B, folder string) []attack {
	b.Helper()
	var all []attack
	err := filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || filepath.Ext(path) != ".py" {
			return err
		}
		text, err := os.ReadFile(path)
		name, _ := filepath.Rel(folder, path) // it is below
		// RestrictedPython refuses a program for the first underscore. This one is no
		// part of any attack; who meant it would leave it out.
		plain := strings.ReplaceAll(string(text), "type(e).__name__", "str(e)")
		all = append(all, attack{name, strings.Split(plain, nextStep)})
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		b.Fatal(err)
	}
	return all
}

// attacks counts what is contained of the abuse suite: by nothing at all, by the
// others, by a session of Mark's. MARK_ABUSE_DIR names the suite's programs.
func (t *table) attacks(b *testing.B) {
	installed := installPeers(b)
	folder := os.Getenv("MARK_ABUSE_DIR")
	if folder == "" {
		folder = filepath.Join("..", "abuse", "programs")
	}
	all := readAttacks(b, folder)
	if len(all) == 0 {
		t.note("attacks contained", "not tried", "there are no programs in MARK_ABUSE_DIR")
		return
	}
	for _, name := range append(append([]string{"native"}, ways...), "Mark") {
		b.Run(name, func(b *testing.B) { t.attack(b, name, installed, all) })
	}
}

// attack has one way run all attacks. What came of each is in a file of its own.
func (t *table) attack(b *testing.B, name, installed string, all []attack) {
	log, err := os.Create(filepath.Join(filepath.Dir(installed), "attacks-"+name+".txt"))
	if err != nil {
		b.Fatal(err)
	}
	defer log.Close()
	try := tryMark
	if name != "Mark" {
		try = func(b *testing.B, w *world, a attack) (string, []string) { return tryPeer(b, name, installed, w, a) }
	}
	contained := 0
	for _, a := range all {
		w := newWorld(b)
		a.steps = append([]string{"import numpy as np, pandas as pd\n" + w.facts() + a.steps[0]}, a.steps[1:]...)
		printed, found := try(b, w, a)
		w.end()
		if len(found) == 0 {
			contained++
		}
		fmt.Fprintf(log, "%s: %q, printed %.300q\n", a.name, found, printed)
	}
	label := name
	if name == "native" {
		label = "native Python"
	}
	t.note(label+": attacks contained", fmt.Sprintf("%d of %d", contained, len(all)), fmt.Sprintf("%.0f %%", 100*float64(contained)/float64(len(all))))
}

// tryMark runs an attack in a session. What a session ends by is no breach.
func tryMark(b *testing.B, w *world, a attack) (string, []string) {
	config := gvisortest.Config(b)
	config.Limits = execution.Limits{StepTime: stepTime}
	p := marks(b, config)
	s, err := p.Open(b.Context(), execution.Spec{Files: []execution.File{{Name: "input.csv", Path: w.input}}})
	if err != nil {
		b.Fatal(err)
	}
	defer end(b, s)
	var out strings.Builder
	var names []string
	for _, step := range a.steps {
		_, err := s.Run(b.Context(), step, execution.Listener(func(e execution.Event) {
			if e.Chunk != nil {
				out.WriteString(e.Chunk.Text)
			}
			if e.Output != nil {
				out.WriteString(e.Output.Text)
				if e.Output.Artifact != nil {
					names = append(names, e.Output.Artifact.Name)
				}
			}
		}))
		if known := (*execution.Error)(nil); errors.As(err, &known) {
			out.WriteString(string(known.Code) + "\n")
			if known.Fatal {
				break
			}
		}
	}
	return out.String(), w.breaches(out.String(), names)
}

// marked is the one provider of all attacks.
var marked *gvisor.Provider

func marks(b *testing.B, config gvisor.Config) *gvisor.Provider {
	if marked == nil {
		marked = gvisortest.New(b, config)
		b.Cleanup(func() {
			if err := marked.Close(); err != nil {
				b.Error(err)
			}
			marked = nil
		})
	}
	return marked
}

// attacked are the services of peers.py that attacks run in: each attack in a child
// of one, because starting one for each would take an hour.
var attacked = map[string]*peer{}

// tryPeer runs an attack in one of the other ways, in a PID namespace: nothing that
// it starts outlives it. A bench that runs as root has it run as a user of its own.
func tryPeer(b *testing.B, name, installed string, w *world, a attack) (string, []string) {
	p := attacked[name]
	if p == nil {
		cmd := peerCommand(b, name, installed, "attack")
		cmd.Env = append(cmd.Env, secretVariable+"="+w.secret)
		cmd.Dir = "/"
		cmd.SysProcAttr = &syscall.SysProcAttr{Setsid: true, Cloneflags: unix.CLONE_NEWPID, Pdeathsig: unix.SIGKILL}
		if os.Geteuid() == 0 {
			uid := uint32(gvisor.DefaultUID + 1)
			cmd.SysProcAttr.Credential = &syscall.Credential{Uid: uid, Gid: uid}
			temp, err := os.MkdirTemp("", "bench-") // b.TempDir's own folder keeps others out
			if err != nil {
				b.Fatal(err)
			}
			b.Cleanup(func() { os.RemoveAll(temp) })
			if err := os.Chown(temp, int(uid), int(uid)); err != nil {
				b.Fatal(err)
			}
			for _, v := range []string{"HOME", "TMPDIR", "MPLCONFIGDIR", "IPYTHONDIR", "JUPYTER_RUNTIME_DIR"} {
				cmd.Env = append(cmd.Env, v+"="+temp)
			}
		} else {
			cmd.SysProcAttr.Cloneflags |= unix.CLONE_NEWUSER
			cmd.SysProcAttr.UidMappings = []syscall.SysProcIDMap{{ContainerID: os.Geteuid(), HostID: os.Geteuid(), Size: 1}}
			cmd.SysProcAttr.GidMappings = []syscall.SysProcIDMap{{ContainerID: os.Getegid(), HostID: os.Getegid(), Size: 1}}
		}
		p = begin(b, name, cmd, func(p *peer) { fmt.Fprintln(p.in, p.cmd.Process.Pid) })
		attacked[name] = p
		b.Cleanup(func() {
			p.in.Close()
			_ = p.cmd.Wait() // the end of b's context has ended it
			delete(attacked, name)
		})
	}
	got := p.request(b, map[string]any{"steps": a.steps, "input": w.input})
	found := w.breaches(got.Output, got.Files)
	if got.Stopped != "" {
		found = append(found, got.Stopped)
	}
	return got.Output, found
}
