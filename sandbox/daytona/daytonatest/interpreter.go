package daytonatest

import (
	"bufio"
	"context"
	"encoding/json"
	"errors"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"sync"
	"syscall"
	"time"

	"github.com/gorilla/websocket"
)

// Close codes of a run's connection.
const (
	closeDone    = websocket.CloseNormalClosure
	closeAway    = websocket.CloseGoingAway
	closePolicy  = websocket.ClosePolicyViolation
	closeTimeout = 4008
)

// grace is how long code may take to end after it was interrupted.
const grace = time.Second

// interp is a context: one Python process, one run at a time.
type interp struct {
	id     string
	server *Server
	root   string
	made   time.Time
	turn   sync.Mutex // held by the run that is going on: others queue

	mu     sync.Mutex
	cmd    *exec.Cmd      // guarded by mu
	stdin  io.WriteCloser // guarded by mu
	ended  chan struct{}  // guarded by mu; closed when the process of now has ended
	client *client        // guarded by mu; who listens
	told   chan string    // guarded by mu; "control" or "error" of the run
	gone   bool           // guarded by mu; deleted
}

func (i *interp) describe() map[string]any {
	return map[string]any{
		"id": i.id, "cwd": i.root, "createdAt": i.made.UTC().Format(time.RFC3339), "active": true, "language": "python",
	}
}

// start starts the process, unless it runs.
func (i *interp) start() error {
	i.mu.Lock()
	defer i.mu.Unlock()
	if i.cmd != nil {
		return nil
	}
	// It outlives the request that asks for it.
	cmd := exec.CommandContext(context.Background(), i.server.options.Python, i.server.worker)
	cmd.Dir = i.root
	cmd.Env = append(os.Environ(), "TMPDIR="+filepath.Join(i.root, "tmp"), "DAYTONA_SANDBOX_ID="+filepath.Base(i.root))
	cmd.SysProcAttr = processAttributes()
	stdin, err := cmd.StdinPipe()
	if err != nil {
		return err
	}
	out, theirs, err := os.Pipe() // not exec's, which Wait closes under a reader
	if err != nil {
		return err
	}
	cmd.Stdout = theirs
	err = cmd.Start()
	_ = theirs.Close() // the process has its own
	if err != nil {
		return errors.Join(err, out.Close())
	}
	i.cmd, i.stdin, i.ended = cmd, stdin, make(chan struct{})
	ended := i.ended
	read := make(chan struct{})
	go func() {
		defer close(read)
		i.listen(out)
	}()
	go func() {
		_ = cmd.Wait()
		_ = out.SetReadDeadline(time.Now().Add(time.Second)) // a child may hold the pipe
		<-read
		_ = out.Close() // it was only read
		i.mu.Lock()
		if i.cmd == cmd {
			i.cmd = nil
		}
		i.mu.Unlock()
		close(ended)
	}()
	return nil
}

// listen hands on what the process tells. A line of more than a megabyte is the
// last that is read.
func (i *interp) listen(out io.Reader) {
	lines := bufio.NewScanner(out)
	lines.Buffer(make([]byte, 64<<10), 1<<20)
	for lines.Scan() {
		var m message
		if json.Unmarshal(lines.Bytes(), &m) != nil {
			continue // what a child printed
		}
		i.mu.Lock()
		client, told := i.client, i.told
		i.mu.Unlock()
		if client != nil {
			client.tell(m)
		}
		if (m.Type == "control" || m.Type == "error") && told != nil {
			select {
			case told <- m.Type + " " + m.Text:
			default:
			}
		}
	}
}

// run runs code for a client, after the runs before it.
func (i *interp) run(c *client, code string, timeout time.Duration) {
	i.turn.Lock()
	defer i.turn.Unlock()
	i.mu.Lock()
	if i.gone || i.cmd == nil {
		i.mu.Unlock()
		c.close(closePolicy, "context is not active")
		return
	}
	told := make(chan string, 4)
	i.client, i.told = c, told
	stdin, ended, process := i.stdin, i.ended, i.cmd.Process
	c.kill = func() { _ = process.Kill() }
	i.mu.Unlock()
	defer func() {
		i.mu.Lock()
		i.client, i.told = nil, nil
		i.mu.Unlock()
	}()
	if c.run.TimeOut {
		code = "import time; time.sleep(3600)" // else the code could come to its end first
	}
	line, err := json.Marshal(map[string]any{"code": code})
	if err != nil {
		c.close(closeDone, "")
		return
	}
	if _, err := stdin.Write(append(line, '\n')); err != nil {
		c.close(closeDone, "")
		return
	}
	var late <-chan time.Time
	if timeout > 0 {
		timer := time.NewTimer(timeout)
		defer timer.Stop()
		late = timer.C
	}
	if c.run.TimeOut {
		now := make(chan time.Time, 1)
		now <- time.Now()
		late = now
	}
	select {
	case how := <-told:
		if how == "control interrupted" {
			c.close(closeTimeout, "")
			return
		}
		c.close(closeDone, "")
	case <-ended:
		c.close(closeAway, "worker process ended")
	case <-late:
		_ = process.Signal(syscall.SIGINT)
		select {
		case <-told:
		case <-ended:
		case <-time.After(grace):
			_ = process.Kill()
		}
		c.close(closeTimeout, "")
	}
}

// shutdown ends the process as the deletion of its context does.
func (i *interp) shutdown() {
	i.mu.Lock()
	i.gone = true
	cmd, ended := i.cmd, i.ended
	i.mu.Unlock()
	if cmd == nil {
		return
	}
	_ = cmd.Process.Signal(syscall.SIGTERM)
	select {
	case <-ended:
	case <-time.After(2 * time.Second):
		i.kill()
	}
}

// kill ends the process at once.
func (i *interp) kill() {
	i.mu.Lock()
	i.gone = true
	cmd, ended := i.cmd, i.ended
	i.mu.Unlock()
	if cmd == nil {
		return
	}
	_ = cmd.Process.Kill()
	select {
	case <-ended:
	case <-time.After(killTime):
		panic("a killed interpreter does not end")
	}
}
