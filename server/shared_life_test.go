package server_test

import (
	"bufio"
	"context"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/mark-analyst/mark/internal/fault"
	"github.com/mark-analyst/mark/server"
	"github.com/mark-analyst/mark/server/caller"
)

// laterClock can be put forward.
type laterClock struct {
	mu    sync.Mutex
	later time.Duration
}

func (c *laterClock) Now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return time.Now().Add(c.later)
}

func TestOldResponsesAreMadeAnew(t *testing.T) {
	c := &laterClock{}
	e := start(t, func(cfg *server.Config) { cfg.Clock = c })
	j, resolved := e.journal("first")
	for i := range 3 {
		s := e.open(as("alice")...)
		s.follow("1", journalQuery)
		s.entries("1", 1, 1)
		if i == 1 {
			j.Append("second")
		}
	}
	before := resolved.of(1)
	c.mu.Lock()
	c.later = 2 * time.Minute
	c.mu.Unlock()
	s := e.open(as("alice")...)
	s.follow("1", journalQuery)
	s.entries("1", 1, 2)
	if got := resolved.of(1); before != 2 || got != 3 {
		t.Errorf("resolved %d times, then %d; want 2 and 3", before, got)
	}
}

// watch ends the event streams, and only those, once it is told to.
type watch struct{ end chan struct{} }

func (watch) ExtensionName() string                   { return "watch" }
func (watch) Validate(graphql.ExecutableSchema) error { return nil }

// MutateOperationContext is what makes it an extension to gqlgen.
func (watch) MutateOperationContext(context.Context, *graphql.OperationContext) *gqlerror.Error {
	return nil
}

func (w watch) WatchStream(ctx context.Context) func() error {
	return func() error {
		select {
		case <-w.end:
			if caller.From(ctx).Transport == "sse" {
				return fault.New(fault.Unauthenticated, "The session has ended.")
			}
		default:
		}
		return nil
	}
}

func TestEachStreamIsWatched(t *testing.T) {
	w := watch{make(chan struct{})}
	e := start(t, func(c *server.Config) { c.Extensions = append(c.Extensions, w) })
	j, _ := e.journal("first")
	s := e.open(as("alice")...)
	s.follow("1", journalQuery)
	s.entries("1", 1, 1)
	r := bufio.NewReader(e.stream(journalQuery, as("alice")...).Body)
	for line := ""; !strings.Contains(line, `"number":1`); {
		var err error
		if line, err = r.ReadString('\n'); err != nil {
			t.Fatal(err)
		}
	}
	close(w.end)
	j.Append("second", "third")
	rest := all(t, r)
	if strings.Contains(rest, "second") || !strings.Contains(rest, "UNAUTHENTICATED") || !strings.HasSuffix(rest, "event: complete\ndata:\n\n") {
		t.Errorf("the watched stream went on with %q", rest)
	}
	s.entries("1", 2, 3) // the other one goes on
}
