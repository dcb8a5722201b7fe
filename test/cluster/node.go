package cluster

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"sync"
	"syscall"
	"time"
)

// Node is a process of `mark serve`, which may be running or not. Its methods may
// be called from anywhere.
type Node struct {
	Name string
	Addr string // host:port, the same after each start
	Dir  string // its data folder
	// Database is its way to PostgreSQL.
	Database *Link

	binary string
	env    []string
	output io.Writer

	mu      sync.Mutex // protects the rest
	process *process   // nil: it does not run
}

// process is one run of a node.
type process struct {
	cmd   *exec.Cmd
	ended chan struct{} // closed when it has, and err is set
	err   error
}

// newNode prepares a node; nothing runs yet but its link.
func newNode(ctx context.Context, name, addr, dir string, c Config, postgres string, env []string) (*Node, error) {
	link, err := NewLink(ctx, postgres)
	if err != nil {
		return nil, err
	}
	n := &Node{Name: name, Addr: addr, Dir: dir, Database: link, binary: c.Binary, output: io.Discard}
	if c.Output != nil {
		n.output = &prefixed{to: c.Output, prefix: name + " | "}
	}
	n.env = append(append(os.Environ(), env...),
		"MARK_ADDR="+addr, "MARK_NODE="+name, "MARK_DATA_DIR="+dir,
		"MARK_DATABASE_URL=postgres://postgres@"+link.Addr()+"/postgres?sslmode=disable",
	)
	return n, nil
}

// Set adds to the environment (NAME=value) of the node's next starts, over what is
// there, until undo.
func (n *Node) Set(env ...string) (undo func()) {
	n.mu.Lock()
	defer n.mu.Unlock()
	before := n.env
	n.env = slices.Concat(before, env) // of several the last counts
	return func() {
		n.mu.Lock()
		defer n.mu.Unlock()
		n.env = before
	}
}

// URL is where the node answers.
func (n *Node) URL() string { return "http://" + n.Addr }

// Start starts a node that does not run, and returns when it is ready.
func (n *Node) Start(ctx context.Context) error {
	if err := n.launch(); err != nil {
		return err
	}
	return n.AwaitReady(ctx)
}

func (n *Node) launch() error {
	n.mu.Lock()
	defer n.mu.Unlock()
	if n.process != nil {
		return fmt.Errorf("%s runs already", n.Name)
	}
	binary, err := filepath.Abs(n.binary)
	if err != nil {
		return err
	}
	// No context: it ends by a signal, of which SIGKILL is only one.
	cmd := exec.Command(binary, "serve") //nolint:noctx
	cmd.Env, cmd.Stdout, cmd.Stderr = n.env, n.output, n.output
	cmd.SysProcAttr = attributes()
	cmd.WaitDelay = 2 * time.Second // a child of its that holds its output
	p := &process{cmd: cmd, ended: make(chan struct{})}
	if err := cmd.Start(); err != nil {
		return fmt.Errorf("start %s: %w", n.Name, err)
	}
	n.process = p
	go func() {
		p.err = cmd.Wait()
		n.mu.Lock()
		n.process = nil
		n.mu.Unlock()
		close(p.ended)
	}()
	return nil
}

// current is the process that runs, or nil.
func (n *Node) current() *process {
	n.mu.Lock()
	defer n.mu.Unlock()
	return n.process
}

// Running tells whether there is a process, be it paused.
func (n *Node) Running() bool { return n.current() != nil }

// signal sends a signal to the process, if there is one.
func (n *Node) signal(s syscall.Signal) error {
	p := n.current()
	if p == nil {
		return fmt.Errorf("%s does not run", n.Name)
	}
	if err := p.cmd.Process.Signal(s); err != nil {
		return fmt.Errorf("signal %s: %w", n.Name, err)
	}
	return nil
}

// Pause stops the process where it is (SIGSTOP): its connections stay and are
// silent.
func (n *Node) Pause() error { return n.signal(syscall.SIGSTOP) }

// Resume lets a paused process go on (SIGCONT).
func (n *Node) Resume() error { return n.signal(syscall.SIGCONT) }

// Kill ends the process at once (SIGKILL), and returns when it is gone.
func (n *Node) Kill() error {
	p := n.current()
	if err := n.signal(syscall.SIGKILL); err != nil {
		return err
	}
	<-p.ended
	return nil
}

// Stop ends the process as an operator does (SIGTERM), and returns when it is
// gone. The error is that of the process, or ctx's.
func (n *Node) Stop(ctx context.Context) error {
	p := n.current()
	if err := n.signal(syscall.SIGTERM); err != nil {
		return err
	}
	select {
	case <-p.ended:
		return p.err
	case <-ctx.Done():
		return ctx.Err()
	}
}

// terminate is Stop without the wait, of a process that may be paused or gone.
func (n *Node) terminate() {
	if p := n.current(); p != nil { // else, and where that fails, it has ended
		_ = p.cmd.Process.Signal(syscall.SIGTERM)
		_ = p.cmd.Process.Signal(syscall.SIGCONT)
	}
}

// await waits for the end of the process until ctx ends, and then ends it.
func (n *Node) await(ctx context.Context) {
	p := n.current()
	if p == nil {
		return
	}
	select {
	case <-p.ended:
	case <-ctx.Done():
		_ = p.cmd.Process.Kill() // fails where it has ended
		<-p.ended
	}
}

func (n *Node) close() error { return n.Database.Close() }

// AwaitReady waits until the node says that it is ready.
func (n *Node) AwaitReady(ctx context.Context) error {
	p := n.current()
	if p == nil {
		return fmt.Errorf("%s does not run", n.Name)
	}
	client := probe()
	defer client.CloseIdleConnections()
	tick := time.NewTicker(20 * time.Millisecond)
	defer tick.Stop()
	for {
		if state(ctx, client, n.Addr) == ready {
			return nil
		}
		select {
		case <-p.ended:
			return errors.Join(fmt.Errorf("%s ended while it started", n.Name), p.err)
		case <-ctx.Done():
			return fmt.Errorf("%s is not ready: %w", n.Name, ctx.Err())
		case <-tick.C:
		}
	}
}

// condition is what a node says of itself.
type condition int

const (
	silent  condition = iota // nothing within a second
	unready                  // that it takes no new connections now
	ready                    // that it does
)

// probe makes a client that asks nodes how they are.
func probe() *http.Client {
	return &http.Client{Timeout: time.Second, Transport: &http.Transport{DisableKeepAlives: true}}
}

func state(ctx context.Context, client *http.Client, addr string) condition {
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, "http://"+addr+"/readyz", nil)
	if err != nil {
		return silent
	}
	res, err := client.Do(req)
	if err != nil {
		return silent
	}
	defer res.Body.Close()
	if res.StatusCode != http.StatusOK {
		return unready
	}
	return ready
}

// PID is the process's id, 0 where none runs.
func (n *Node) PID() int {
	if p := n.current(); p != nil {
		return p.cmd.Process.Pid
	}
	return 0
}
