package agent

import (
	"context"
	"fmt"
	"sync"
	"time"

	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/run"
	"github.com/mark-analyst/mark/eventlog"
)

// A person waits for the first event and the first word. So a question whose turn
// it is begins in the transaction that stores it, where its node has a place: the
// run is claimed, told of, and has its first step with one commit instead of three.

// claim is the right to work on a run, asked for at a moment.
type claim struct {
	writer  eventlog.Writer
	ownerID string
	asked   time.Time
	unkeep  func() // ends Log.Keep
	// What is known of a run that has just begun with its question; else nil.
	row   *ent.Run
	first *ent.Step
}

// begun are the runs that have begun with their questions, on their way to those
// who work on them.
type begun struct {
	mu     sync.Mutex // protects claims
	claims map[string]claim
}

func (b *begun) put(c claim) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.claims == nil {
		b.claims = map[string]claim{}
	}
	b.claims[c.writer.RunID] = c
}

func (b *begun) take(runID string) (claim, bool) {
	b.mu.Lock()
	defer b.mu.Unlock()
	c, ok := b.claims[runID]
	delete(b.claims, runID)
	return c, ok
}

// seat is a place on this node for the run of a question that is being stored.
type seat struct {
	agent *Agent
	begin func(Job) bool
	leave func()
	waits bool   // it is another run's turn
	told  func() // tells of the run, once it is stored
	claim claim
}

// seat keeps a place; nil: there is none.
func (a *Agent) seat() *seat {
	if a.held.isClosed() {
		return nil
	}
	begin, leave, ok := a.Queue.Hold()
	if !ok {
		return nil
	}
	return &seat{agent: a, begin: begin, leave: leave}
}

// toldAtOnce is how many events tell of a run's beginning and its first step.
const toldAtOnce = 2

// take has a run that is being made in tx, in a chat that is locked, go on from the
// beginning, unless it has to wait for others.
func (s *seat) take(ctx context.Context, tx *ent.Tx, c *ent.Chat, create *ent.RunCreate) error {
	if s == nil {
		return nil
	}
	a := s.agent
	s.claim.asked = time.Now()
	until, ok, err := a.Log.First(ctx, tx, a.Limits.RunsPerOwner, c.ID, c.OwnerID)
	if err != nil {
		return fmt.Errorf("begin the run: %w", err)
	}
	if s.waits = !ok; ok {
		create.SetState(run.StateRunning).SetStartedAt(a.Clock.Now()).SetPromptHash(a.prompts.hash).
			SetEpoch(1).SetNode(a.Node).SetLeaseUntil(until).SetLastSeq(toldAtOnce)
	}
	return nil
}

// tell writes what is told of a run that was made so, and its first step.
func (s *seat) tell(ctx context.Context, tx *ent.Tx, r *ent.Run) (err error) {
	if s == nil || s.waits {
		return nil
	}
	n := newStep(r.ID, 1, "", "", *r.StartedAt)
	if s.told, err = s.agent.Log.Begin(ctx, tx, r, runStarted(r), n.told); err != nil {
		return fmt.Errorf("begin the run: %w", err)
	}
	if s.claim.first, err = n.create(ctx, tx); err != nil {
		return fmt.Errorf("begin the run's first step: %w", err)
	}
	s.claim.writer, s.claim.ownerID, s.claim.row = eventlog.Writer{RunID: r.ID, Epoch: r.Epoch}, r.OwnerID, r
	return nil
}

// work puts the run to work, once it is stored and its row no more the
// transaction's; false: there is no place for it. One that has to wait is found when
// what it waits for has ended, by whoever ends that.
func (s *seat) work(ctx context.Context) bool {
	switch {
	case s == nil:
		return false
	case s.waits:
		s.agent.look() // it may have ended by now
		return true
	}
	a, c := s.agent, s.claim
	c.unkeep = a.Log.Keep(c.writer.RunID)
	s.told()
	row := *c.row // whoever sent the question goes on reading theirs
	c.row = &row
	a.begun.put(c)
	if !s.begin(Job{RunID: c.writer.RunID, Epoch: c.writer.Epoch}) {
		a.begun.take(c.writer.RunID)
		c.unkeep()
		a.leave(context.WithoutCancel(ctx), c.writer, errHandover)
	}
	s.leave = nil
	return true
}

// end gives back a place in which nothing has begun.
func (s *seat) end() {
	if s != nil && s.leave != nil {
		s.leave()
	}
}
