// Package datasets takes in what people want to ask about: files, which it stores
// and has profiled in the sandbox, and tables of warehouses, whose metadata it
// keeps. It tells when they can be used. No file is parsed outside the sandbox;
// no query is run on a warehouse.
package datasets

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"sync"
	"time"

	"entgo.io/ent/dialect"

	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/files"
	"github.com/mark-analyst/mark/internal/clock"
	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/warehouse"
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
	// Profiles run at once on this node, as the queue has it: 2. Each is a session
	// of its own.
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
	Dialect string      // of the client's database, as ent calls it
	// Queue is for the profiles that somebody waits for, Background for those that
	// were found left over. What they lead to calls Work.
	Queue, Background Queue
	Files             *files.Store
	Sandbox           Sandbox
	// Warehouses are where tables can be added from; none: only files can be.
	Warehouses []warehouse.Warehouse
	Clock      clock.Clock
	Logger     *slog.Logger
	Limits     Limits
}

// Service takes in, reads and deletes datasets. It is safe for concurrent
// use.
type Service struct {
	client            *ent.Client
	postgres          bool
	queue, background Queue
	files             *files.Store
	sandbox           Sandbox
	warehouses        []warehouse.Warehouse
	clock             clock.Clock
	logger            *slog.Logger
	limits            Limits

	held held
	// claiming is held for reading from before a dataset is claimed until it is in
	// held, and for writing by who must know all that are claimed.
	claiming sync.RWMutex
	ctx      context.Context //nolint:containedctx // of what Start begins
	stop     context.CancelFunc
	sweeping sync.WaitGroup
}

// New returns a Service that profiles what it is asked to through Work. Start has
// it look for what else there is to do; Close ends it.
func New(c Config) (*Service, error) {
	if c.Client == nil || c.Dialect == "" || c.Queue == nil || c.Background == nil ||
		c.Files == nil || c.Sandbox == nil || c.Clock == nil || c.Logger == nil {
		return nil, errors.New("datasets: a part of the configuration is missing")
	}
	s := &Service{
		client: c.Client, postgres: c.Dialect == dialect.Postgres, queue: c.Queue, background: c.Background,
		files: c.Files, sandbox: c.Sandbox, warehouses: c.Warehouses, clock: c.Clock, logger: c.Logger, limits: c.Limits.withDefaults(),
		held: held{all: map[string]*holding{}, changed: make(chan struct{})},
	}
	s.ctx, s.stop = context.WithCancel(context.Background())
	return s, nil
}

// HandOver interrupts profiling, and gives back what it was about, so that another
// node, or the next start, begins anew at once. It returns when nothing is profiled
// any more or ctx has ended; from here on Work does nothing.
func (s *Service) HandOver(ctx context.Context) error {
	s.held.handOver()
	ended := make(chan struct{})
	go func() {
		s.held.wg.Wait()
		close(ended)
	}()
	select {
	case <-ended:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("datasets: profiling has not ended: %w", ctx.Err())
	}
}

// Close hands over and ends. Closing twice is harmless.
func (s *Service) Close(ctx context.Context) error {
	err := s.HandOver(ctx)
	s.stop()
	s.sweeping.Wait()
	return err
}
