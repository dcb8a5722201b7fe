// Package logstream is what a subscription's resolver and the server agree upon
// so that an entry of a log which many follow is resolved and written once, and
// not once for each of them.
//
// A resolver whose subscription follows a log describes it as a Stream and
// returns the Stream's channel. A server that shares has put a Host into the
// context: it takes the Stream, lets every subscriber follow the log from where
// it stands, at its own pace, and resolves only what nobody has resolved yet.
// Nothing can be lost or come twice by this, since what a subscriber gets is
// decided by the log alone; shared is only what becomes of an entry. Without a
// Host the channel delivers by itself.
//
// It is here because neither side may know the other: a server knows no runs,
// a resolver no transports.
package logstream

import (
	"context"
	"iter"
)

// Stream is a subscription that follows a log. E is an entry of the log, V the
// value of the field that becomes of it. All fields are required.
type Stream[E, V any] struct {
	// Log names what is followed. What becomes of an entry may depend on the
	// viewer and on what is selected, and on nothing else that lasts for less
	// than a few minutes.
	Log string
	// After is the number of the last entry that the subscriber has, and
	// Argument the name of the field's argument that says so.
	After    int
	Argument string
	// Follow yields the entries after a number. An error is the last it yields.
	Follow func(ctx context.Context, after int) iter.Seq2[E, error]
	Key    func(E) Key
	Value  func(ctx context.Context, e E) (V, error)
	// Failed is told why a stream ended before its log did.
	Failed func(ctx context.Context, err error)
}

// Key tells an entry from all others of its log. A number alone does not: an entry
// may stand in for others that are gone, with the number of the last of them.
type Key struct {
	Number int
	Kind   string
}

// Host takes the Stream of a subscription that has been accepted.
type Host interface {
	Take(s Source)
}

// Source is a Stream as a Host sees it. It serves one subscriber and is not
// safe for concurrent use, but for being resolved into.
type Source interface {
	Log() string
	Argument() string
	// Each calls yield with the key of each entry, in the log's order, until yield
	// returns false, the log ends or ctx does.
	Each(ctx context.Context, yield func(Key) bool)
	// Resolve makes the entry that Each is at the next value of another
	// operation with the same field, the one whose Source is into. That one must
	// have taken its last value already. After an error there is no value.
	Resolve(ctx context.Context, into Source) error
}

type hostKey struct{}

// WithHost returns the context of an operation whose Stream h is to take.
func WithHost(ctx context.Context, h Host) context.Context {
	return context.WithValue(ctx, hostKey{}, h)
}

// Channel is what the resolver returns. Calling it is the last thing that a
// resolver does: the subscription is accepted.
func (s Stream[E, V]) Channel(ctx context.Context) <-chan V {
	src := &source[E, V]{stream: s, values: make(chan V, 1)}
	if h, ok := ctx.Value(hostKey{}).(Host); ok {
		h.Take(src)
	} else {
		go src.deliver(ctx)
	}
	return src.values
}

type source[E, V any] struct {
	stream  Stream[E, V]
	current E // that Each is at
	values  chan V
}

func (s *source[E, V]) Log() string { return s.stream.Log }

func (s *source[E, V]) Argument() string { return s.stream.Argument }

func (s *source[E, V]) Each(ctx context.Context, yield func(Key) bool) {
	for e, err := range s.stream.Follow(ctx, s.stream.After) {
		if err != nil {
			s.stream.Failed(ctx, err)
			return
		}
		s.current = e
		if !yield(s.stream.Key(e)) {
			return
		}
	}
}

func (s *source[E, V]) Resolve(ctx context.Context, into Source) error {
	v, err := s.stream.Value(ctx, s.current)
	if err != nil {
		s.stream.Failed(ctx, err)
		return err
	}
	// The same field has the same types.
	into.(*source[E, V]).values <- v //nolint:forcetypeassert // see above
	return nil
}

// deliver is the life of a stream without a Host.
func (s *source[E, V]) deliver(ctx context.Context) {
	defer close(s.values)
	s.Each(ctx, func(Key) bool {
		v, err := s.stream.Value(ctx, s.current)
		if err != nil {
			s.stream.Failed(ctx, err)
			return false
		}
		select {
		case s.values <- v:
			return true
		case <-ctx.Done():
			return false
		}
	})
}
