package eventlog

import (
	"context"
	"encoding/json"
	"fmt"
	"sync"
	"time"

	"github.com/mark-analyst/mark/internal/clock"
)

const (
	// coalesceDelay is how long text may wait for more: people read a stream
	// of 20 pieces a second as a steady one.
	coalesceDelay = 50 * time.Millisecond
	// coalesceBytes is how much text waits at most, all pieces together.
	coalesceBytes = 4 << 10
)

// Delta is a piece of a text that grows. Its JSON is the body of its event.
type Delta struct {
	Kind   string `json:"-"` // ReasoningDelta, TextDelta, ToolArgsDelta, OutputChunk
	StepID string `json:"stepId,omitempty"`
	Stream string `json:"stream,omitempty"`
	Text   string `json:"text"`
}

// continues tells whether d is more of the text that before is part of.
func (d Delta) continues(before Delta) bool {
	before.Text = d.Text
	return d == before
}

// CoalescerConfig is what a Coalescer needs.
type CoalescerConfig struct {
	// Append writes entries: usually a closure around Log.Append. It is called
	// by one goroutine at a time.
	Append func(ctx context.Context, entries ...Entry) error
	Clock  clock.Clock
	// AfterFunc is time.AfterFunc; tests put their own in its place. Stop says
	// whether it kept f from being called.
	AfterFunc func(d time.Duration, f func()) (stop func() bool)
}

// AfterFunc is time.AfterFunc in the shape that CoalescerConfig wants.
func AfterFunc(d time.Duration, f func()) (stop func() bool) { return time.AfterFunc(d, f).Stop }

// Coalescer gathers the deltas of one run into fewer events. Text that comes
// after a pause is written at once, so that a reader sees the first word when
// the model says it; what follows closely is gathered for 50 ms or 4 KiB.
// Order is kept, between texts and between text and other events. It holds
// 4 KiB and one delta, and no goroutine between calls. It is safe for
// concurrent use.
//
// Once an append has failed the Coalescer writes nothing more, and every call
// returns that error.
type Coalescer struct {
	c   CoalescerConfig
	ctx context.Context //nolint:containedctx // of the writes that the timer makes

	mu      sync.Mutex  // held while appending, so that order is kept
	pending []Delta     // neighbours differ in more than their text
	bytes   int         // of pending's texts
	written time.Time   // when a delta was written last
	stop    func() bool // ends the timer; nil: none is running
	err     error       // the first failure
}

// NewCoalescer returns a Coalescer. All writes are made under ctx, those that
// the timer makes too; it should be one that outlives the cancelling of a step,
// or what was gathered until then would be lost.
func NewCoalescer(ctx context.Context, c CoalescerConfig) *Coalescer {
	return &Coalescer{c: c, ctx: ctx}
}

// Delta adds a piece of text.
func (c *Coalescer) Delta(d Delta) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil || d.Text == "" {
		return c.err
	}
	if last := len(c.pending) - 1; last >= 0 && d.continues(c.pending[last]) {
		c.pending[last].Text += d.Text
	} else {
		c.pending = append(c.pending, d)
	}
	c.bytes += len(d.Text)
	wait := coalesceDelay - c.c.Clock.Now().Sub(c.written)
	if c.bytes >= coalesceBytes || wait <= 0 {
		return c.flush()
	}
	if c.stop == nil {
		c.stop = c.c.AfterFunc(min(wait, coalesceDelay), c.fire)
	}
	return nil
}

// Append writes what is gathered and then the entries, all at once.
func (c *Coalescer) Append(entries ...Entry) error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.flush(entries...)
}

// Flush writes what is gathered. After the last Delta it must be called, also
// for its error; there is nothing else to close.
func (c *Coalescer) Flush() error { return c.Append() }

// Take returns what is gathered as entries, and forgets it: for an append that
// does more than Append, such as AppendFinal.
func (c *Coalescer) Take() ([]Entry, error) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.err != nil {
		return nil, c.err
	}
	entries, err := c.take()
	c.err = err
	return entries, err
}

// fire is called by the timer.
func (c *Coalescer) fire() {
	c.mu.Lock()
	defer c.mu.Unlock()
	// A timer that was stopped too late finds nothing, or what the next one
	// would have come for: writing it early does no harm.
	c.flush() //nolint:errcheck // the next call returns it
}

// flush is called with mu held.
func (c *Coalescer) flush(more ...Entry) error {
	if c.err != nil {
		return c.err
	}
	entries, err := c.take()
	if err == nil {
		if entries = append(entries, more...); len(entries) > 0 {
			err = c.c.Append(c.ctx, entries...)
		}
	}
	c.err = err
	return err
}

// take is called with mu held.
func (c *Coalescer) take() ([]Entry, error) {
	if c.stop != nil {
		c.stop()
		c.stop = nil
	}
	if len(c.pending) == 0 {
		return nil, nil
	}
	entries := make([]Entry, len(c.pending))
	for i, d := range c.pending {
		body, err := json.Marshal(d)
		if err != nil {
			return nil, fmt.Errorf("eventlog: encode a %s: %w", d.Kind, err)
		}
		entries[i] = Entry{Kind: d.Kind, Body: body}
	}
	c.pending, c.bytes, c.written = c.pending[:0], 0, c.c.Clock.Now()
	return entries, nil
}
