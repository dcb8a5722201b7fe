package testschema

import (
	"context"
	"errors"
	"iter"
	"slices"
	"sync"

	"github.com/mark-analyst/mark/internal/fault"
	"github.com/mark-analyst/mark/internal/logstream"
	"github.com/mark-analyst/mark/server/internal/testschema/generated"
)

// ErrAway is why the entry "away" of a journal cannot be read.
var ErrAway = errors.New("the database is away")

// Journal is a log in memory: its entries are numbered from 1. The texts "fail",
// "away" and "panic" do what they say.
type Journal struct {
	// Resolved, where it is not nil, is called for each entry that is made into a
	// value, and may hold that up.
	Resolved func(number int)

	mu      sync.Mutex // protects what follows
	texts   []string
	gone    int // entries before this one are replaced by it
	ended   bool
	changed chan struct{}
}

// Append adds entries.
func (j *Journal) Append(texts ...string) { j.change(func() { j.texts = append(j.texts, texts...) }) }

// Replace puts one entry, of that number, in the place of all up to a number.
func (j *Journal) Replace(upTo int, text string) {
	j.change(func() { j.gone, j.texts[upTo-1] = upTo, text })
}

// End ends the journal.
func (j *Journal) End() { j.change(func() { j.ended = true }) }

func (j *Journal) change(f func()) {
	j.mu.Lock()
	defer j.mu.Unlock()
	f()
	if j.changed != nil {
		close(j.changed)
		j.changed = nil
	}
}

// key tells the entry that stands in for others from what it was before.
func (j *Journal) key(e *generated.Entry) logstream.Key {
	j.mu.Lock()
	defer j.mu.Unlock()
	if e.Number == j.gone {
		return logstream.Key{Number: e.Number, Kind: "stands in"}
	}
	return logstream.Key{Number: e.Number}
}

// read returns the entries after a number, and what is closed when there are more.
func (j *Journal) read(after int) (from int, texts []string, ended bool, changed <-chan struct{}) {
	j.mu.Lock()
	defer j.mu.Unlock()
	if after < j.gone {
		after = j.gone - 1
	}
	if j.changed == nil {
		j.changed = make(chan struct{})
	}
	return after, slices.Clone(j.texts[min(after, len(j.texts)):]), j.ended, j.changed
}

func (j *Journal) follow(ctx context.Context, after int) iter.Seq2[*generated.Entry, error] {
	return func(yield func(*generated.Entry, error) bool) {
		for {
			from, texts, ended, changed := j.read(after)
			after = from
			for _, text := range texts {
				after++
				if !yield(&generated.Entry{Number: after, Text: text}, nil) {
					return
				}
			}
			switch {
			case len(texts) > 0:
			case ended:
				return
			default:
				select {
				case <-changed:
				case <-ctx.Done():
					return
				}
			}
		}
	}
}

func (j *Journal) value(_ context.Context, e *generated.Entry) (*generated.Entry, error) {
	if j.Resolved != nil {
		j.Resolved(e.Number)
	}
	switch e.Text {
	case "away":
		return nil, ErrAway
	case "panic":
		panic(Secret)
	}
	return e, nil
}

func (s subscription) Journal(ctx context.Context, name string, after int) (<-chan *generated.Entry, error) {
	j := s.Journals[name]
	if j == nil {
		return nil, fault.New(fault.NotFound, "There is no such journal.").OnField("name")
	}
	s.begin("journal")
	return logstream.Stream[*generated.Entry, *generated.Entry]{
		Log: name, After: after, Argument: "after",
		Follow: func(ctx context.Context, after int) iter.Seq2[*generated.Entry, error] {
			return func(yield func(*generated.Entry, error) bool) {
				for e, err := range j.follow(ctx, after) {
					if !yield(e, err) {
						break
					}
				}
				s.end(context.Cause(ctx))
			}
		},
		Key:    j.key,
		Value:  j.value,
		Failed: func(_ context.Context, err error) { s.end(err) },
	}.Channel(ctx), nil
}

type entry struct{ *Resolvers }

func (entry) Follows(_ context.Context, e *generated.Entry, number int) (bool, error) {
	return e.Number == number+1, nil
}

func (r entry) Reader(ctx context.Context, _ *generated.Entry) (string, error) {
	return r.Whoami(ctx), nil
}

func (entry) Fragile(_ context.Context, e *generated.Entry) (*string, error) {
	if e.Text == "fail" {
		return nil, fail(generated.FailureKindNotFound)
	}
	return &e.Text, nil
}
