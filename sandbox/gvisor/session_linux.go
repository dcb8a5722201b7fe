//go:build linux && (amd64 || arm64)

package gvisor

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"

	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/sandbox"
	"github.com/mark-analyst/mark/sandbox/kernel"
)

// session is one restored Python.
type session struct {
	engine *engine
	dir    string // its files on the host
	share  string // its cgroup; "": none
	proc   *process
	conn   *kernel.Conn
	limits execution.Limits
	turns  turns
	place  func()           // gives back its place among all sessions; nil in the pool
	inputs map[string]input // what /mnt/input holds, by name; changed between steps only

	forgotten bool // guarded by the engine's mu

	checkpoints chan event // the launcher's answers
	usages      chan event // the latest answer
	cpuTimes    chan event // the same
	asking      sync.Mutex // held by who waits for usages

	endOnce sync.Once
	over    chan struct{} // closed when nothing of the session is left
	endErr  error         // of removing its files; read it after over
}

var _ sandbox.Snapshotter = (*session)(nil)

// Run implements execution.Session.
func (s *session) Run(ctx context.Context, code string, host execution.Host) (execution.Result, error) {
	if err := s.turns.step(ctx); err != nil {
		return execution.Result{}, &execution.Error{Code: execution.CodeCancelled, Message: "The step was stopped before it began.", Err: err}
	}
	defer s.turns.stepped()
	result, err := s.conn.Run(ctx, code, host)
	if failure := (*execution.Error)(nil); errors.As(err, &failure) && failure.Fatal {
		s.end()
	}
	return result, err
}

// Close implements execution.Session.
func (s *session) Close() error {
	s.end()
	return s.endErr
}

// watch makes the launcher's word, and its end, the session's fate.
func (s *session) watch() {
	for e := range s.proc.events {
		switch e.Kind {
		case kindCheckpoint:
			select {
			case s.checkpoints <- e: // each was asked for, by one who waits
			case <-s.over:
			}
		case kindUsage:
			select {
			case s.usages <- e:
			default: // nobody has taken the last one
			}
		case kindCPU:
			select {
			case s.cpuTimes <- e:
			default: // nobody has taken the last one
			}
		case kindMemory:
			s.conn.Fail(&execution.Error{
				Code: execution.CodeMemory,
				Message: fmt.Sprintf("Python used more than the %d MiB of memory that a session may have and was stopped; what this step computed is lost. Work on fewer rows or columns at a time.",
					s.limits.MemoryBytes>>20),
				Fatal: true,
				Err:   fmt.Errorf("%d bytes in use", e.Bytes),
			})
			s.end()
		}
	}
	// The launcher is gone, and all with it. Unless the session was closed or
	// failed already, that was the code's doing.
	s.conn.Fail(&execution.Error{
		Code:    execution.CodeDied,
		Message: "Python ended: the code ended the process, or crashed it. What this step computed is lost.",
		Fatal:   true,
		Err:     errors.New(s.proc.stderr.String()),
	})
	s.end()
}

// end leaves nothing of the session behind, and returns when that is so.
func (s *session) end() {
	s.endOnce.Do(func() {
		closed := s.conn.Close() // first: a Run that is going on learns why it ends
		s.proc.kill()
		s.endErr = errors.Join(closed, os.RemoveAll(s.dir))
		if s.share != "" {
			s.endErr = errors.Join(s.endErr, os.Remove(s.share))
		}
		s.engine.forget(s)
		close(s.over)
	})
	<-s.over
}
