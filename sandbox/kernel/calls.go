package kernel

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"sync"
	"time"
	"unicode/utf8"

	"github.com/mark-analyst/mark/internal/cut"
	"github.com/mark-analyst/mark/internal/execution"
)

// Bounds of what code may ask of the host in one step.
const (
	maxCalls       = 1_000
	maxCallsAtOnce = 16      // that wait for an answer; the kernel keeps to 4, and forgets those of an interrupted step
	maxAnswer      = 1 << 20 // bytes of JSON
	maxMethod      = 64      // bytes
)

// progressEvery is how often a step's progress is told, however often the code
// says it.
const progressEvery = 100 * time.Millisecond

// progress is what a step has told of its own.
type progress struct {
	told  time.Time
	waits *execution.Progress
	due   <-chan time.Time // when it is told; nil: nothing waits
}

// call is the payload of a frame by which code asks the host.
type call struct {
	ID     uint64          `json:"id"`
	Method string          `json:"method"`
	Args   json.RawMessage `json:"args"`
}

// answer is the payload of the host's reply; one of Result and Error is set.
type answer struct {
	ID     uint64          `json:"id"`
	Result json.RawMessage `json:"result,omitempty"`
	Error  string          `json:"error,omitempty"`
}

// calls are the open calls of one step.
type calls struct {
	answered chan answer
	ctx      context.Context //nolint:containedctx // of the step: it ends what is still being answered
	cancel   context.CancelFunc
	going    sync.WaitGroup
	open     map[uint64]bool // that wait; of the step's own goroutine
	asked    int
}

func newCalls(ctx context.Context) *calls {
	c := &calls{answered: make(chan answer, maxCallsAtOnce), open: map[uint64]bool{}}
	c.ctx, c.cancel = context.WithCancel(ctx)
	return c
}

// end cancels what is still being answered and waits for it.
func (c *calls) end() {
	c.cancel()
	c.going.Wait()
}

// call takes a call frame and has the host answer it.
func (s *step) call(payload []byte) error {
	var asked call
	if err := strictJSON(payload, &asked); err != nil {
		return err
	}
	c := s.calls
	switch {
	case asked.Method == "" || len(asked.Method) > maxMethod || !utf8.ValidString(asked.Method):
		return fmt.Errorf("%w: a call without a method", errFrame)
	case len(asked.Args) == 0 || asked.Args[0] != '{':
		return fmt.Errorf("%w: a call whose arguments are no object", errFrame)
	case c.open[asked.ID] || len(c.open) >= maxCallsAtOnce:
		return fmt.Errorf("%w: call %d beside %d open ones", errFrame, asked.ID, len(c.open))
	}
	c.open[asked.ID] = true
	c.asked++
	if c.asked > maxCalls {
		c.answered <- answer{ID: asked.ID, Error: fmt.Sprintf("a step may ask %d times at most", maxCalls)}
		return nil
	}
	c.going.Go(func() {
		c.answered <- s.reply(c.ctx, asked) // there is room for every open call
	})
	return nil
}

// reply asks the host.
func (s *step) reply(ctx context.Context, asked call) (a answer) {
	a.ID = asked.ID
	defer func() {
		if p := recover(); p != nil {
			a.Result, a.Error = nil, "the host could not answer"
		}
	}()
	if s.host.Call == nil {
		a.Error = "the host answers no calls here"
		return a
	}
	value, err := s.host.Call(ctx, execution.Call{Method: asked.Method, Args: asked.Args})
	if refusal := (*execution.CallError)(nil); errors.As(err, &refusal) {
		a.Error = cut.Bytes(refusal.Message, 4<<10)
		return a
	}
	if err == nil {
		a.Result, err = json.Marshal(value)
	}
	switch {
	case err != nil:
		a.Error = "the host could not answer"
	case len(a.Result) > maxAnswer-1<<10:
		a.Result, a.Error = nil, "the answer is too long"
	}
	return a
}

// answer sends a reply to the kernel.
func (s *step) answer(a answer) *execution.Error {
	delete(s.calls.open, a.ID)
	payload, err := json.Marshal(a)
	if err != nil {
		return s.conn.fail(unavailable("A call of the code's could not be answered.", err))
	}
	return s.conn.send(frame{frameAnswer, s.sentinel, payload})
}

// progressed takes a progress frame.
func (s *step) progressed(payload []byte) error {
	var p execution.Progress
	if err := strictJSON(payload, &p); err != nil {
		return err
	}
	if p.Done < 0 || p.Total < 0 || math.IsInf(p.Done, 0) || math.IsInf(p.Total, 0) {
		return fmt.Errorf("%w: progress of %v of %v", errFrame, p.Done, p.Total)
	}
	s.progress.waits = &p
	if wait := progressEvery - time.Since(s.progress.told); wait <= 0 {
		s.tellProgress()
	} else if s.progress.due == nil {
		s.progress.due = time.After(wait)
	}
	return nil
}

// tellProgress tells what was said last, where it is not told yet.
func (s *step) tellProgress() {
	if p := s.progress.waits; p != nil {
		s.progress = progress{told: time.Now()}
		s.emit(execution.Event{Progress: p})
	}
}
