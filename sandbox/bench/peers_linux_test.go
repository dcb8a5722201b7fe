package bench_test

import (
	"bufio"
	"bytes"
	"encoding/json"
	"io"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/mark-analyst/mark/sandbox/gvisor/gvisortest"
)

// peerRounds is how often each of the others is started; further sessions of a
// service that runs already are measured as often.
const peerRounds = 6

// ways are the ways to run a model's code that peers.py knows, beside "native".
var ways = []string{"smolagents", "RestrictedPython", "Jupyter"}

// others measures the other ways.
func (t *table) others(b *testing.B) {
	installed := installPeers(b)
	for _, name := range ways {
		var plain, ready, first, opened, further spread
		for range peerRounds {
			plain = append(plain, native(b)) // in turn, as with Mark's own
			begun := time.Now()
			p := startPeer(b, name, installed)
			ready = append(ready, time.Since(begun))
			p.ask(b, imports+firstOutput)
			first = append(first, time.Since(begun))
			took := p.ask(b, imports+firstOutput)
			opened = append(opened, seconds(took.Opened))
			further = append(further, seconds(took.Took))
			p.end(b)
		}
		cold := against{"native", plain.at(0.5)}
		t.add(b, name+": started", ready, cold, goal{})
		t.add(b, name+": started, to the first pandas output", first, cold, goal{})
		t.add(b, name+": a further session in the same service", opened, cold, goal{})
		t.add(b, name+": a further session, to its first pandas output", further, cold, goal{})
	}
}

// installPeers installs what peers.txt pins and returns the folder.
func installPeers(b *testing.B) string {
	b.Helper()
	return gvisortest.Packages(b, testdata(b, "peers.txt"))
}

// peer is a service that runs code in one of the other ways.
type peer struct {
	name    string
	cmd     *exec.Cmd
	in      io.WriteCloser
	answers *bufio.Reader
	errors  bytes.Buffer
}

// answer is what peers.py says of a program.
type answer struct {
	Opened, Took float64 // seconds
	Output       string
	Stopped      string   // by the guard, and why
	Files        []string // that the program left
}

// peerCommand is the command of peers.py. The environment is that of a session.
func peerCommand(b *testing.B, name, installed string, more ...string) *exec.Cmd {
	b.Helper()
	cmd := command(b, append([]string{"-u", testdata(b, "peers.py"), name, installed}, more...)...)
	cmd.Env = append(cmd.Env, "IPYTHONDIR="+home, "JUPYTER_RUNTIME_DIR="+home)
	return cmd
}

func startPeer(b *testing.B, name, installed string) *peer {
	b.Helper()
	return begin(b, name, peerCommand(b, name, installed), func(*peer) {})
}

// begin starts a peer's command, tells it what it has to know, and waits until it
// can be given programs.
func begin(b *testing.B, name string, cmd *exec.Cmd, tell func(*peer)) *peer {
	b.Helper()
	p := &peer{name: name, cmd: cmd}
	cmd.Stderr = &p.errors
	var err error
	if p.in, err = cmd.StdinPipe(); err != nil {
		b.Fatal(err)
	}
	out, err := cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	p.answers = bufio.NewReader(out)
	if err := cmd.Start(); err != nil {
		b.Fatal(err)
	}
	tell(p)
	p.read(b)
	return p
}

// ask has a program run that prints a described table.
func (p *peer) ask(b *testing.B, program string) answer {
	b.Helper()
	a := p.request(b, map[string]any{"steps": []string{program}})
	if !strings.Contains(a.Output, "mean") {
		b.Fatalf("%s printed %q: %s", p.name, a.Output, p.errors.String())
	}
	return a
}

func (p *peer) request(b *testing.B, request any) answer {
	b.Helper()
	if err := json.NewEncoder(p.in).Encode(request); err != nil {
		b.Fatalf("%s: %v: %s", p.name, err, p.errors.String())
	}
	return p.read(b)
}

func (p *peer) read(b *testing.B) answer {
	b.Helper()
	line, err := p.answers.ReadBytes('\n')
	if err != nil {
		b.Fatalf("%s ended: %s", p.name, p.errors.String())
	}
	var a answer
	if err := json.Unmarshal(line, &a); err != nil {
		b.Fatalf("%s: %s", line, err)
	}
	return a
}

func (p *peer) end(b *testing.B) {
	b.Helper()
	p.in.Close()
	if err := p.cmd.Wait(); err != nil {
		b.Errorf("%s: %v: %s", p.name, err, p.errors.String())
	}
}

func seconds(s float64) time.Duration { return time.Duration(s * float64(time.Second)) }
