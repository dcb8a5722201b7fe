package agent

import (
	"context"

	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/eventlog"
	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/internal/owned"
)

// recorder writes a run's events: growing texts gathered, everything in order.
type recorder struct {
	log    *eventlog.Log
	own    *holding
	deltas *eventlog.Coalescer
	ctx    context.Context //nolint:containedctx // writes must outlive the cancelling of the run
}

func newRecorder(ctx context.Context, a *Agent, own *holding) *recorder {
	r := &recorder{log: a.Log, own: own, ctx: context.WithoutCancel(ctx)}
	r.deltas = eventlog.NewCoalescer(r.ctx, eventlog.CoalescerConfig{
		Clock:     a.Clock,
		AfterFunc: eventlog.AfterFunc,
		Append: func(ctx context.Context, entries ...eventlog.Entry) error {
			return own.insist(func() error {
				_, err := a.Log.Append(ctx, own.writer, entries...)
				return err
			})
		},
	})
	return r
}

// delta adds a piece of a model's growing text.
func (r *recorder) delta(kind, stepID, text string) error {
	return r.deltas.Delta(eventlog.Delta{Kind: kind, StepID: stepID, Text: text})
}

// chunk adds a piece of what running code prints.
func (r *recorder) chunk(stepID string, c execution.Chunk) error {
	return r.deltas.Delta(eventlog.Delta{Kind: KindOutputChunk, StepID: stepID, Stream: string(c.Stream), Text: c.Text})
}

// event adds one event, after what is gathered.
func (r *recorder) event(kind string, body EventBody) error {
	return r.deltas.Append(eventlog.Entry{Kind: kind, Body: encode(body)})
}

// with stores a change and the event that tells of it, in one transaction.
func (r *recorder) with(change eventlog.Change, kind string, body EventBody) error {
	return r.withAll(change, eventlog.Entry{Kind: kind, Body: encode(body)})
}

// withAll is with for several events.
func (r *recorder) withAll(change eventlog.Change, told ...eventlog.Entry) error {
	entries, err := r.deltas.Take()
	if err != nil {
		return err
	}
	entries = append(entries, told...)
	return r.own.insist(func() error {
		_, err := r.log.AppendWith(r.ctx, r.own.writer, r.ofRun(change), entries...)
		return err
	})
}

// store makes a change without an event, under the same fence.
func (r *recorder) store(change func(ctx context.Context, tx *ent.Tx) error) error {
	return r.own.insist(func() error {
		_, err := r.log.AppendWith(r.ctx, r.own.writer, r.ofRun(change))
		return err
	})
}

// ofRun makes a change that need not look up whose the run is: it was read as its
// owner's when the work on it began, and the fence has just found it.
func (r *recorder) ofRun(change eventlog.Change) eventlog.Change {
	return func(ctx context.Context, tx *ent.Tx) error {
		ctx = owned.Within(ctx)
		owned.Note(ctx, ent.TypeRun, r.own.writer.RunID)
		return change(ctx, tx)
	}
}
