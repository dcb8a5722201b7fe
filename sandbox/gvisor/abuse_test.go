//go:build linux && (amd64 || arm64)

package gvisor_test

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/sandbox"
	"github.com/mark-analyst/mark/sandbox/abuse"
	"github.com/mark-analyst/mark/sandbox/gvisor"
	"github.com/mark-analyst/mark/sandbox/gvisor/gvisortest"
)

// abuseAtOnce is how many programs run at once: most wait for something.
const abuseAtOnce = 6

// abuseLimits are small, so that bombs are.
var abuseLimits = execution.Limits{
	StepTime: 10 * time.Second, MemoryBytes: 400 << 20, OutputBytes: 256 << 10, Outputs: 5,
	ArtifactBytes: 1 << 20, ArtifactsBytes: 2 << 20, Artifacts: 5,
}

// Every program is contained: nothing of the host is read, written or reached, what
// the host takes is bounded, the step ends in time with a result or a typed error,
// a neighbour goes on as if nothing were, and whoever comes next finds nothing of it.
func TestAbuse(t *testing.T) {
	programs, err := abuse.Programs()
	if err != nil {
		t.Fatal(err)
	}
	secret := abuse.NewSecret(randomBytes())
	t.Setenv(abuse.SecretVariable, secret)
	config := gvisortest.Config(t)
	config.Sessions = 4 * abuseAtOnce
	p := gvisortest.New(t, config)
	before := heap()
	queue := make(chan abuse.Program)
	var workers sync.WaitGroup
	for n := range abuseAtOnce {
		workers.Go(func() {
			neighbour, err := newNeighbour(t.Context(), p, n)
			if err != nil {
				t.Error(err)
			}
			for program := range queue {
				// Not t.Parallel, which runs as many at once as there are processors.
				t.Run(program.Class+"/"+program.Name, func(t *testing.T) {
					a := attack{provider: p, program: program, secret: secret, dir: config.Dir}
					a.run(t)
					neighbour.check(t)
				})
			}
			if neighbour.session != nil {
				if err := neighbour.session.Close(); err != nil {
					t.Error(err)
				}
			}
		})
	}
	for _, program := range programs {
		queue <- program
	}
	close(queue)
	workers.Wait()
	if grown := heap() - before; grown > 256<<20 {
		t.Errorf("the service's heap has grown by %d MiB", grown>>20)
	}
	if left := descendants(t, os.Getpid()); len(left) != 0 {
		t.Errorf("the processes %v are left", left)
	}
	if left := ownSessionFiles(t, config); len(left) != 0 {
		t.Errorf("the files %v are left", left)
	}
	if err := p.Close(); err != nil {
		t.Error(err)
	}
}

// attack is one program against one provider.
type attack struct {
	provider *gvisor.Provider
	program  abuse.Program
	secret   string
	dir      string // of the provider
}

func (a attack) run(t *testing.T) {
	limits := abuseLimits
	if a.program.StepTime > 0 {
		// What looks around before it has no more, beside five other attacks.
		limits.StepTime = max(a.program.StepTime, 5*time.Second)
	}
	if a.program.MemoryBytes > 0 {
		limits.MemoryBytes = a.program.MemoryBytes
	}
	d := gvisor.DefaultLimits() // of the provider, for what a session cannot have of its own
	world := abuse.NewWorld(t, a.secret, abuse.Limits{
		MemoryBytes: limits.MemoryBytes, DiskBytes: d.DiskBytes, OutputBytes: limits.OutputBytes,
		Processes: d.Processes, StepTime: limits.StepTime,
	})
	world.Names = []string{a.dir}
	spec := execution.Spec{Limits: limits, Files: []execution.File{{Name: "input.csv", Path: world.Input}}}
	texts := []string{a.attempt(t, spec, world)}
	if a.program.Differs {
		texts = append(texts, a.attempt(t, spec, world))
		seen := strings.Split(strings.TrimSpace(texts[0]), "\n")
		for _, line := range strings.Split(strings.TrimSpace(texts[1]), "\n") {
			if slices.Contains(seen, line) {
				t.Errorf("two sessions printed %s", line)
			}
		}
	}
}

// attempt runs the program in a session of its own and returns what came out.
func (a attack) attempt(t *testing.T, spec execution.Spec, world *abuse.World) string {
	s, err := a.provider.Open(t.Context(), spec)
	if err != nil {
		t.Fatalf("opening a session: %v", err)
	}
	defer func() {
		if err := s.Close(); err != nil {
			t.Errorf("closing the session: %v", err)
		}
	}()
	untouched(t, s) // by what ran before it
	var all strings.Builder
	for n, step := range a.program.Steps {
		got := taken{limits: spec.Limits}
		begun := time.Now()
		result, err := s.Run(t.Context(), world.Facts()+step, execution.Listener(got.take))
		// Beside its time: the grace, and what a busy machine adds to all that.
		if took := time.Since(begun); took > spec.Limits.StepTime+15*time.Second {
			t.Errorf("the step took %v", took)
		}
		for _, failure := range got.failures {
			t.Error(failure)
		}
		text := got.text.String()
		all.WriteString(text)
		var end *execution.Error
		switch f := result.Failure; {
		case err != nil && (!errors.As(err, &end) || end.Code == execution.CodeUnavailable || !strings.HasSuffix(end.Message, ".")):
			t.Errorf("the step ended with %v", err)
		case f != nil:
			text += "\n" + f.Message + "\n" + f.Traceback
			if n == 0 && slices.Contains([]string{"SyntaxError", "NameError", "IndentationError"}, f.Name) {
				t.Errorf("the program is broken: %s", f.Traceback)
			}
		}
		for _, breach := range world.Breaches(text, got.names) {
			t.Errorf("%s\n\tit must be contained: %s\n\t%.1000s (%v)", breach, a.program.Contained, text, err)
		}
		t.Logf("step %d: %v %+v %.600q", n+1, err, result.Failure, got.text.String())
		if end != nil && end.Fatal {
			break
		}
	}
	return all.String()
}

// untouched makes sure that a session finds nothing of those before it.
func untouched(t *testing.T, s execution.Session) {
	t.Helper()
	got := taken{limits: abuseLimits}
	_, err := s.Run(t.Context(), `import json, os, random, sys, tempfile
print(json.dumps([sorted(os.listdir()), len([p for p in os.listdir("/proc") if p.isdigit()]), pd.read_csv("input.csv").b.tolist(),
    sys.meta_path[0].__module__ != "__main__", sorted(set(os.listdir(tempfile.gettempdir())) - {"matplotlib"}), os.listdir("/dev/shm")]))`,
		execution.Listener(got.take))
	if want := `[["input.csv"], 1, [2], true, [], []]` + "\n"; err != nil || got.text.String() != want {
		t.Errorf("the next session printed %q (%v), want %q", got.text.String(), err, want)
	}
}

// taken is what a step gave, and whether it was too much.
type taken struct {
	limits   execution.Limits
	text     strings.Builder
	names    []string // of artifacts
	printed  int64
	outputs  int
	files    int64
	failures []string
}

func (o *taken) take(e execution.Event) {
	switch {
	case e.Chunk != nil:
		if o.printed += int64(len(e.Chunk.Text)); o.printed > o.limits.OutputBytes {
			o.failures = append(o.failures, fmt.Sprintf("%d bytes were printed", o.printed))
		}
		o.text.WriteString(e.Chunk.Text)
	case e.Output != nil && e.Output.Artifact != nil:
		o.keep(*e.Output.Artifact)
	case e.Output != nil:
		if o.outputs++; o.outputs > o.limits.Outputs {
			o.failures = append(o.failures, fmt.Sprintf("%d outputs were shown", o.outputs))
		}
		if n := len(e.Output.Text) + len(e.Output.JSON); n > 6<<20 {
			o.failures = append(o.failures, fmt.Sprintf("an output of %d bytes", n))
		}
		fmt.Fprintf(&o.text, "\n%s\n%s\n%v\n", e.Output.Text, e.Output.JSON, e.Output.Table)
	}
}

func (o *taken) keep(a execution.Artifact) {
	o.names = append(o.names, a.Name)
	o.files += a.SizeBytes
	if a.SizeBytes > o.limits.ArtifactBytes || o.files > o.limits.ArtifactsBytes || len(o.names) > o.limits.Artifacts {
		o.failures = append(o.failures, fmt.Sprintf("%d files of %d bytes came out", len(o.names), o.files))
	}
	if strings.ContainsAny(a.Name, "/\\\n\u202e") || strings.HasPrefix(a.Name, ".") || len(a.Name) > 255 {
		o.failures = append(o.failures, fmt.Sprintf("a file called %q", a.Name))
	}
	r, err := a.Open()
	if err != nil {
		o.failures = append(o.failures, err.Error())
		return
	}
	defer r.Close()
	content, err := io.ReadAll(io.LimitReader(r, 1<<20))
	if err != nil {
		o.failures = append(o.failures, err.Error())
	}
	o.text.WriteByte('\n')
	o.text.Write(content)
	o.text.WriteByte('\n')
}

// neighbour is a session of somebody else's that lives through it all.
type neighbour struct {
	session execution.Session
	number  int
	asked   int
}

func newNeighbour(ctx context.Context, p sandbox.Provider, number int) (*neighbour, error) {
	n := &neighbour{number: number}
	var err error
	if n.session, err = p.Open(ctx, execution.Spec{}); err != nil {
		return n, err
	}
	result, err := n.session.Run(ctx, fmt.Sprintf("mine = pd.DataFrame({'n': [%d, 1]}); asked = 0", number), execution.Host{})
	if result.Failure != nil {
		err = errors.New(result.Failure.Message)
	}
	return n, err
}

func (n *neighbour) check(t *testing.T) {
	n.asked++
	got := taken{limits: gvisor.DefaultLimits()}
	_, err := n.session.Run(t.Context(), "asked += 1; print(mine.n.sum(), asked)", execution.Listener(got.take))
	if want := fmt.Sprintf("%d %d\n", n.number+1, n.asked); err != nil || got.text.String() != want {
		t.Errorf("the neighbour printed %q (%v), want %q", got.text.String(), err, want)
	}
}

// ownSessionFiles lists the folders of sessions that are this process's.
func ownSessionFiles(t *testing.T, config gvisor.Config) []string {
	t.Helper()
	files, err := filepath.Glob(filepath.Join(config.Dir, "sessions", fmt.Sprintf("%d-*", os.Getpid()), "[0-9]*"))
	if err != nil {
		t.Fatal(err)
	}
	return files
}

func heap() int64 {
	var m runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc)
}

func randomBytes() (b [16]byte) {
	rand.Read(b[:])
	return b
}
