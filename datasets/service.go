// Package datasets takes in the files that people want to ask about: it stores
// them, has them profiled in the sandbox, and tells when they can be used. No
// file is parsed outside the sandbox.
package datasets

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/files"
	"github.com/mark-analyst/mark/internal/clock"
	"github.com/mark-analyst/mark/internal/execution"
)

// Sandbox opens isolated Python sessions. Its errors are *execution.Error.
type Sandbox interface {
	Open(ctx context.Context, spec execution.Spec) (execution.Session, error)
}

// Limits bound what people store and what profiling takes. A zero field means
// the default.
type Limits struct {
	UploadBytes int64 // one file; 1 GiB
	UserBytes   int64 // all files of one person; 10 GiB
	PerUser     int   // datasets of one person; 200
	// Profiles run at once: 2. Each is a session of its own.
	Profiles int
	// ProfileTime is the wall time of one profile, opening its session
	// included; 3 minutes.
	ProfileTime time.Duration
	// AwaitTime is how long Await waits; 5 minutes.
	AwaitTime time.Duration
	// Session bounds a profile's session; its zero fields mean the sandbox's
	// own defaults, its StepTime ProfileTime.
	Session execution.Limits
}

func (l Limits) withDefaults() Limits {
	l.UploadBytes = positive(l.UploadBytes, 1<<30)
	l.UserBytes = positive(l.UserBytes, 10<<30)
	l.PerUser = positive(l.PerUser, 200)
	l.Profiles = positive(l.Profiles, 2)
	l.ProfileTime = positive(l.ProfileTime, 3*time.Minute)
	l.AwaitTime = positive(l.AwaitTime, 5*time.Minute)
	l.Session.StepTime = positive(l.Session.StepTime, l.ProfileTime)
	return l
}

func positive[T int | int64 | time.Duration](v, otherwise T) T {
	if v > 0 {
		return v
	}
	return otherwise
}

// Config is what a Service needs.
type Config struct {
	Client  *ent.Client // guarded: see package auth
	Files   *files.Store
	Sandbox Sandbox
	Clock   clock.Clock
	Logger  *slog.Logger
	Limits  Limits
}

// Service takes in, profiles and deletes datasets. It is safe for concurrent
// use.
type Service struct {
	client  *ent.Client
	files   *files.Store
	sandbox Sandbox
	clock   clock.Clock
	logger  *slog.Logger
	limits  Limits

	ctx     context.Context //nolint:containedctx // of profiling, which outlives requests
	stop    context.CancelFunc
	workers sync.WaitGroup

	mu      sync.Mutex      // protects what follows
	queue   []*job          // to be profiled, in order
	jobs    map[string]*job // queued or running, by dataset
	arrived chan struct{}   // has room for one: something was queued
	changed chan struct{}   // closed and replaced when a job has ended
}

// New returns a Service whose workers wait for files. Resume gives them what
// was left over.
func New(c Config) (*Service, error) {
	if c.Client == nil || c.Files == nil || c.Sandbox == nil || c.Clock == nil || c.Logger == nil {
		return nil, errors.New("datasets: a part of the configuration is missing")
	}
	s := &Service{
		client: c.Client, files: c.Files, sandbox: c.Sandbox, clock: c.Clock, logger: c.Logger, limits: c.Limits.withDefaults(),
		jobs: map[string]*job{}, arrived: make(chan struct{}, 1), changed: make(chan struct{}),
	}
	s.ctx, s.stop = context.WithCancel(context.Background())
	for range s.limits.Profiles {
		s.workers.Go(s.work)
	}
	return s, nil
}

// Close interrupts profiling and waits for it to end, or for ctx. What was
// interrupted is taken up again by the next Resume. Closing twice is harmless.
func (s *Service) Close(ctx context.Context) error {
	s.stop()
	ended := make(chan struct{})
	go func() {
		s.workers.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("datasets: profiling has not ended: %w", ctx.Err())
	}
}
