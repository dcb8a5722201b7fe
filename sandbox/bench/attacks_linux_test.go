package bench_test

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/sandbox/abuse"
	"github.com/mark-analyst/mark/sandbox/gvisor"
	"github.com/mark-analyst/mark/sandbox/gvisor/gvisortest"
)

// stepTime is what an attack may take, and what peers.py gives those that can be
// told.
const stepTime = 3 * time.Second

// theSecret is what no attack may see; it is in the form that they look for.
var theSecret = abuse.NewSecret([16]byte{0x3f, 0x1c, 0x0b, 0x7a, 0x9d, 0x5e, 0x24, 0x68})

// attacks counts what is contained of the abuse suite: by nothing at all, by the
// others, by a session of Mark's.
func (t *table) attacks(b *testing.B) {
	installed := installPeers(b)
	all, err := abuse.Programs()
	if err != nil {
		b.Fatal(err)
	}
	for _, name := range append(append([]string{"native"}, ways...), "Mark") {
		b.Run(name, func(b *testing.B) { t.attack(b, name, installed, all) })
	}
}

// attack has one way run all attacks. What came of each is in a file of its own.
func (t *table) attack(b *testing.B, name, installed string, all []abuse.Program) {
	log, err := os.Create(filepath.Join(filepath.Dir(installed), "attacks-"+name+".txt"))
	if err != nil {
		b.Fatal(err)
	}
	defer log.Close()
	try := tryMark
	if name != "Mark" {
		try = func(b *testing.B, w *abuse.World, steps []string) (string, []string) {
			return tryPeer(b, name, installed, w, steps)
		}
	}
	contained := 0
	for _, a := range all {
		w := abuse.NewWorld(b, theSecret, abuse.Limits{MemoryBytes: 2 << 30, DiskBytes: 512 << 20, OutputBytes: 1 << 20, Processes: 64, StepTime: stepTime})
		printed, found := try(b, w, steps(a, w))
		if err := w.End(); err != nil {
			b.Fatal(err)
		}
		if len(found) == 0 {
			contained++
		}
		fmt.Fprintf(log, "%s/%s: %q, printed %.300q\n", a.Class, a.Name, found, printed)
	}
	label := name
	if name == "native" {
		label = "native Python"
	}
	t.note(label+": attacks contained", fmt.Sprintf("%d of %d", contained, len(all)), fmt.Sprintf("%.0f %%", 100*float64(contained)/float64(len(all))))
}

// steps are an attack's, told of the world that it is to reach.
func steps(a abuse.Program, w *abuse.World) []string {
	all := slices.Clone(a.Steps)
	for i, text := range all {
		// RestrictedPython refuses a program for the first underscore. This one is no
		// part of any attack; who meant it would leave it out.
		all[i] = strings.ReplaceAll(text, "type(e).__name__", "str(e)")
	}
	all[0] = "import numpy as np, pandas as pd\n" + w.Facts() + all[0]
	return all
}

// tryMark runs an attack in a session. What a session ends by is no breach.
func tryMark(b *testing.B, w *abuse.World, steps []string) (string, []string) {
	config := gvisortest.Config(b)
	config.Limits = execution.Limits{StepTime: stepTime}
	p := marks(b, config)
	s, err := p.Open(b.Context(), execution.Spec{Files: []execution.File{{Name: "input.csv", Path: w.Input}}})
	if err != nil {
		b.Fatal(err)
	}
	defer end(b, s)
	var out strings.Builder
	var names []string
	for _, step := range steps {
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
	return out.String(), w.Breaches(out.String(), names)
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
func tryPeer(b *testing.B, name, installed string, w *abuse.World, steps []string) (string, []string) {
	p := attacked[name]
	if p == nil {
		cmd := peerCommand(b, name, installed, "attack")
		cmd.Env = append(cmd.Env, abuse.SecretVariable+"="+w.Secret)
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
	moving := keepMoving(p.cmd.Process)
	got := p.request(b, map[string]any{"steps": steps, "input": w.Input})
	moving()
	found := w.Breaches(got.Output, got.Files)
	if got.Stopped != "" {
		found = append(found, got.Stopped)
	}
	return got.Output, found
}

// keepMoving has a service go on that an attack has stopped, by a signal or as a
// debugger, until end: it would never answer.
func keepMoving(service *os.Process) (end func()) {
	ended := make(chan struct{})
	go func() {
		ticker := time.NewTicker(time.Second)
		defer ticker.Stop()
		for {
			select {
			case <-ticker.C:
				_ = service.Signal(syscall.SIGCONT)
			case <-ended:
				return
			}
		}
	}()
	return func() { close(ended) }
}
