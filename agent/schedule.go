package agent

import (
	"context"
	"errors"
	"sync"
)

// The causes for which a run's context ends early.
var (
	errStopped  = errors.New("the person stopped the run")
	errShutdown = errors.New("the service is shutting down")
)

// job is a run that waits or goes on.
type job struct {
	runID, chatID, ownerID string
}

// scheduler runs jobs: in one chat one after the other, in their order; over
// all chats at most so many at once. The database is the truth; what the
// scheduler holds is gone with the process, and Recover fills it again.
type scheduler struct {
	work  func(ctx context.Context, j job)
	slots chan struct{}

	mu      sync.Mutex                         // protects what follows
	waiting map[string][]job                   // by chat; the first is going on
	cancel  map[string]context.CancelCauseFunc // by run, while it goes on or waits for a slot
	closed  bool
	wg      sync.WaitGroup // one for each chat with jobs
}

func newScheduler(limit int, work func(context.Context, job)) *scheduler {
	return &scheduler{
		work:    work,
		slots:   make(chan struct{}, max(limit, 1)),
		waiting: map[string][]job{},
		cancel:  map[string]context.CancelCauseFunc{},
	}
}

// add queues a job. After close it does nothing: the run stays QUEUED in the
// database, for the next start.
func (s *scheduler) add(j job) {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.closed {
		return
	}
	s.waiting[j.chatID] = append(s.waiting[j.chatID], j)
	if len(s.waiting[j.chatID]) == 1 {
		s.wg.Add(1)
		go s.drain(j.chatID)
	}
}

// drain works off a chat's jobs until there are none.
func (s *scheduler) drain(chatID string) {
	defer s.wg.Done()
	for {
		s.mu.Lock()
		if s.closed || len(s.waiting[chatID]) == 0 {
			delete(s.waiting, chatID)
			s.mu.Unlock()
			return
		}
		j := s.waiting[chatID][0]
		ctx, cancel := context.WithCancelCause(context.Background())
		s.cancel[j.runID] = cancel
		s.mu.Unlock()

		select {
		case s.slots <- struct{}{}:
			s.work(ctx, j)
			<-s.slots
		case <-ctx.Done():
			// Stopped while waiting for a slot: work ends the run at once.
			if !errors.Is(context.Cause(ctx), errShutdown) {
				s.work(ctx, j)
			}
		}
		cancel(nil)

		s.mu.Lock()
		delete(s.cancel, j.runID)
		if rest := s.waiting[chatID]; len(rest) > 0 {
			s.waiting[chatID] = rest[1:]
		}
		s.mu.Unlock()
	}
}

// stop ends a run that goes on or waits for a slot; it tells whether there was
// one.
func (s *scheduler) stop(runID string) bool {
	s.mu.Lock()
	defer s.mu.Unlock()
	cancel, ok := s.cancel[runID]
	if ok {
		cancel(errStopped)
	}
	return ok
}

// close takes no more jobs, ends those that go on, and waits for them.
func (s *scheduler) close(ctx context.Context) error {
	s.mu.Lock()
	s.closed = true
	for _, cancel := range s.cancel {
		cancel(errShutdown)
	}
	s.mu.Unlock()
	done := make(chan struct{})
	go func() {
		s.wg.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
