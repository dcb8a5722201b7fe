package daytona

import (
	"context"
	"errors"
	"fmt"
	"os"
	"sync"
	"time"

	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/sandbox/kernel"
)

// runSlack is what a step may take beyond its time and grace until Daytona itself
// ends it: for the case that this service is gone.
const runSlack = 30 * time.Second

// session is a chat's Python: a box with a kernel, and another kernel in the same
// box where Daytona stopped it in between.
type session struct {
	provider *Provider
	box      *box
	spec     execution.Spec
	limits   execution.Limits
	dir      string // of the artifacts, on the host

	mu      sync.Mutex
	conn    *kernel.Conn     // guarded by mu; of the kernel that runs now
	link    *link            // guarded by mu
	running bool             // guarded by mu
	stopped *execution.Error // guarded by mu; Daytona stopped the sandbox: the next step has it started
	failure *execution.Error // guarded by mu; the session is gone
	steps   int              // guarded by mu; that the kernel was given

	giveUp   context.CancelFunc // guarded by mu; of the revival that is going on, or was
	reviving sync.WaitGroup     // none is added once failure is set

	endOnce sync.Once
	over    chan struct{} // closed when nothing of the session is left
	endErr  error         // read it after over
}

// newSession makes a session of a box that is ready: brings the files, and waits
// for the kernel. The box stays the caller's where it fails.
func (p *Provider) newSession(ctx context.Context, b *box, spec execution.Spec) (*session, error) {
	dir, err := os.MkdirTemp(p.config.Dir, sessionPrefix)
	if err != nil {
		return nil, err
	}
	s := &session{
		provider: p, box: b, spec: spec, limits: spec.Limits.Or(p.config.Limits),
		dir: dir, over: make(chan struct{}), giveUp: func() {},
	}
	if err := s.connect(ctx); err != nil {
		os.RemoveAll(dir)
		return nil, err
	}
	return s, nil
}

// connect brings the files and starts a Conn over the box's kernel.
func (s *session) connect(ctx context.Context) error {
	names, err := s.box.place(ctx, s.spec.Files)
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp(s.dir, "artifacts-")
	if err != nil {
		return err
	}
	connected := make(chan struct{})
	var conn *kernel.Conn
	config := s.provider.config
	l := newLink(s.box, config.OpenTime+runSlack, s.limits.StepTime+config.Grace+runSlack, func(why *execution.Error) {
		<-connected
		s.noteStop(why)
		conn.Fail(why)
	})
	conn = kernel.New(l, l, kernel.Options{
		Limits: s.limits, ArtifactDir: dir, Files: names,
		WorkDir: s.box.folders.work, InputDir: s.box.folders.input, Grace: config.Grace,
	})
	close(connected)
	if err := conn.Ready(ctx); err != nil {
		_ = conn.Close() // there are no artifacts yet
		l.wait()
		if failure := (*execution.Error)(nil); errors.As(err, &failure) && failure.Code == execution.CodeDied && failure.Fatal {
			// It was no code of the user's that ended it.
			return fmt.Errorf("%w: %w", errRaised, failure.Err)
		}
		return err
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.conn, s.link, s.stopped, s.steps = conn, l, nil, 0
	return nil
}

// noteStop remembers that Daytona stopped the sandbox.
func (s *session) noteStop(why *execution.Error) {
	if errors.Is(why, errStopped) {
		s.mu.Lock()
		s.stopped = why
		s.mu.Unlock()
	}
}

// Run implements execution.Session.
func (s *session) Run(ctx context.Context, code string, host execution.Host) (execution.Result, error) {
	if err := s.begin(); err != nil {
		return execution.Result{}, err
	}
	defer s.finish()
	if s.box.idle() > s.provider.config.Idle && ctx.Err() == nil && !s.box.runs(ctx) {
		s.noteStop(lost(errStopped))
	}
	s.mu.Lock()
	stopped, steps := s.stopped, s.steps
	s.mu.Unlock()
	if stopped != nil {
		if err := s.revive(ctx); err != nil {
			return execution.Result{}, err
		}
		if steps > 0 {
			return execution.Result{}, revived()
		}
	}
	s.mu.Lock()
	conn := s.conn
	s.steps++
	s.mu.Unlock()
	result, err := s.step(ctx, conn, code, host)
	failure := (*execution.Error)(nil)
	if !errors.As(err, &failure) {
		return result, err
	}
	s.mu.Lock()
	stopped = s.stopped
	s.mu.Unlock()
	if stopped == nil && failure.Fatal && failure.Code == execution.CodeDied && !s.box.runs(ctx) {
		stopped = lost(errors.Join(errStopped, failure))
		s.noteStop(stopped)
	}
	switch {
	case stopped != nil:
		s.mu.Lock()
		s.steps = 0 // that they are lost is told now
		s.mu.Unlock()
		return result, stopped
	case failure.Fatal:
		s.mu.Lock()
		if s.failure == nil {
			s.failure = failure
		}
		s.mu.Unlock()
		s.end()
	}
	return result, failure
}

// step runs code, and keeps the sandbox awake while it does.
func (s *session) step(ctx context.Context, conn *kernel.Conn, code string, host execution.Host) (execution.Result, error) {
	awake, stop := context.WithCancel(context.Background())
	var keeping sync.WaitGroup
	keeping.Go(func() { s.keepAwake(awake) })
	defer keeping.Wait()
	defer stop()
	return conn.Run(ctx, code, host)
}

// begin claims the session for one Run.
func (s *session) begin() error {
	s.mu.Lock()
	defer s.mu.Unlock()
	switch {
	case s.failure != nil:
		return s.failure
	case s.running:
		return busy()
	}
	s.running = true
	return nil
}

func (s *session) finish() {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.running = false
}

// keepAwake keeps Daytona from stopping the sandbox under a step: processes that
// run do not count as use.
func (s *session) keepAwake(ctx context.Context) {
	tick := time.NewTicker(s.provider.config.AutoStop / 3)
	defer tick.Stop()
	for {
		select {
		case <-tick.C:
			if err := s.box.touch(ctx); err != nil && ctx.Err() == nil {
				s.provider.config.Logger.WarnContext(ctx, "a sandbox could not be kept awake", "sandbox", s.box.name, "error", err)
			}
		case <-ctx.Done():
			return
		}
	}
}

// revive has the sandbox started again, with a fresh kernel. Where that fails for
// now, the next step tries again; where the sandbox is gone, so is the session.
func (s *session) revive(ctx context.Context) error {
	err := s.startAgain(ctx)
	if err == nil {
		return nil
	}
	s.mu.Lock()
	over := s.failure
	s.mu.Unlock()
	if over != nil {
		return over
	}
	failure := s.provider.control.words.failure("start the session's sandbox again", err)
	state := (*stateFailure)(nil)
	if failure.Fatal = isMissing(err) || errors.As(err, &state); !failure.Fatal {
		return failure
	}
	failure.Code = execution.CodeDied
	failure.Message = "Daytona has deleted the sandbox of this Python session, which was idle for long: its variables and files are lost; run the earlier steps again."
	s.mu.Lock()
	s.failure = failure
	s.mu.Unlock()
	s.end()
	return failure
}

// startAgain does revive's work, unless the session is closed: nothing may change of
// the box, or be connected to it, while it is ended.
func (s *session) startAgain(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(ctx, s.provider.config.OpenTime)
	defer cancel()
	s.mu.Lock()
	if s.failure != nil {
		defer s.mu.Unlock()
		return s.failure
	}
	conn, l := s.conn, s.link
	s.giveUp = cancel
	s.reviving.Add(1)
	s.mu.Unlock()
	defer s.reviving.Done()
	err := conn.Close()
	l.wait()
	if err == nil {
		s.box.sandbox, err = s.provider.control.start(ctx, s.box.name)
	}
	if err == nil {
		err = s.box.ready(ctx, false)
	}
	if err == nil {
		err = s.connect(ctx)
	}
	return err
}

// Close implements execution.Session.
func (s *session) Close() error {
	s.mu.Lock()
	if s.failure == nil {
		s.failure = closed()
	}
	s.mu.Unlock()
	s.end()
	return s.endErr
}

// end leaves nothing of the session behind, and returns when that is so.
func (s *session) end() {
	s.endOnce.Do(func() {
		s.mu.Lock()
		giveUp := s.giveUp
		s.mu.Unlock()
		giveUp()
		s.reviving.Wait()
		s.mu.Lock()
		conn, l := s.conn, s.link
		s.mu.Unlock()
		err := conn.Close() // first: a Run that is going on learns why it ends
		s.box.end(context.Background())
		l.wait()
		s.endErr = errors.Join(err, os.RemoveAll(s.dir))
		s.provider.forget(s)
		close(s.over)
	})
	<-s.over
}
