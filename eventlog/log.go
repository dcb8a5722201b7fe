// Package eventlog keeps what happens in a run: a list of events, numbered from
// 1 without a gap, in the table "events". The table is the truth. Followers
// read it and are told by hints when there is more; a hint that gets lost costs
// a second, never an event.
//
// A run has one writer at a time, the worker that claimed it last. Every claim
// raises the run's epoch, and every write names the epoch of its claim, so a
// worker that was paused, replaced and woken again cannot write any more
// (ErrFenced). The event of kind RunFinished is written together with the run's
// final state, in one transaction, once, and nothing comes after it.
//
// What many writers append at about the same time shares a transaction, so that
// a node's events cost a few commits a second and not one each (see Append).
//
// What a finished run's events said is in its steps and messages, so they are
// removed some time afterwards (see Compact).
//
// The statements here are raw SQL and bypass the rules of package auth: writers
// and readers must have made sure that the run is theirs. See Follow.
package eventlog

import (
	"context"
	"encoding/json"
	"errors"
	"log/slog"
	"sync"
	"time"

	"entgo.io/ent/dialect"
	"golang.org/x/sync/semaphore"

	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/internal/clock"
	"github.com/mark-analyst/mark/internal/pgnotify"
)

// The kinds that mean something to the log itself.
const (
	// RunFinished is the kind of a run's last event.
	RunFinished = "RunFinished"
	// Snapshot is the kind of what a follower gets in place of events that are no
	// longer stored; it stands for all up to its own Seq. It is never stored.
	Snapshot = "Snapshot"
)

// The errors that callers act upon.
var (
	// ErrFenced: the run was claimed by another worker since, has finished, or
	// is gone. Whoever gets it must stop working on the run.
	ErrFenced = errors.New("eventlog: the run is not this writer's any more")
	// ErrNoRun: there is no such run, or it was deleted while being followed.
	ErrNoRun = errors.New("eventlog: no such run")
	// ErrUncertain: the connection to the database was lost while a transaction
	// was being committed, and what became of it could not be found out. Whoever
	// reads the run's log will see.
	ErrUncertain = errors.New("eventlog: it is not known whether it was written")
	// ErrClosed: the log was closed, perhaps while the run was being followed.
	ErrClosed = errors.New("eventlog: closed")
	// ErrNegative: Follow was asked for events after a negative number.
	ErrNegative = errors.New("eventlog: after is negative")
)

// Event is one line of a run's log. Its Body is shared between all followers
// and must not be written to.
type Event struct {
	RunID string
	Seq   int       // from 1, gapless; a Snapshot's: see there
	At    time.Time // when it was appended; UTC, microseconds
	Kind  string    // the GraphQL type's name: RunStarted, TextDelta, …
	Body  json.RawMessage
}

// Entry is an event before it has a number.
type Entry struct {
	Kind string
	Body json.RawMessage // nil stands for an empty object
}

// Writer is a claim to a run.
type Writer struct {
	RunID string
	Epoch int // the run's epoch as the claim set it
}

// Config is what a Log needs.
type Config struct {
	Client  *ent.Client
	Dialect string // dialect.SQLite or dialect.Postgres: what Client speaks
	// PostgresURL is where to LISTEN for what other processes append. Empty:
	// what they append is found by polling.
	PostgresURL string
	Clock       clock.Clock
	Logger      *slog.Logger
	// Poll is how often the table is looked at without a hint; 0 means a
	// second.
	Poll time.Duration
}

// Log appends to and follows the logs of runs. It is safe for concurrent use.
type Log struct {
	client *ent.Client
	sql    statements
	clock  clock.Clock
	logger *slog.Logger
	poll   time.Duration
	topics topics
	lanes  lanes
	room   *semaphore.Weighted // bytes that may wait to be written

	stop   context.CancelFunc
	closed <-chan struct{} // stop was called
	done   sync.WaitGroup  // the goroutines that carry hints
}

// New returns a Log whose hints are being carried until Close.
func New(c Config) (*Log, error) {
	statements, err := statementsFor(c.Dialect)
	if err != nil {
		return nil, err
	}
	if c.Poll <= 0 {
		c.Poll = time.Second
	}
	ctx, stop := context.WithCancel(context.Background())
	l := &Log{
		client: c.Client, sql: statements, clock: c.Clock, logger: c.Logger, poll: c.Poll,
		room: semaphore.NewWeighted(waitBytes),
		stop: stop, closed: ctx.Done(),
	}
	l.lanes.flush = l.flush
	l.done.Go(func() { l.pollHeads(ctx) })
	if c.PostgresURL != "" && c.Dialect == dialect.Postgres {
		listener := pgnotify.Listener{
			URL: c.PostgresURL, Channel: channel, Take: l.take, Missed: l.lookAtAll, Logger: c.Logger,
		}
		l.done.Go(func() { listener.Run(ctx) })
	}
	return l, nil
}

// Close ends all followers with ErrClosed and the goroutines that carry hints.
// It returns when the appends that were under way have their answers; new ones
// are refused with ErrClosed. Closing twice is harmless. It does not close the
// client.
func (l *Log) Close() error {
	l.stop()
	l.lanes.close()
	l.done.Wait()
	return nil
}

func (l *Log) isClosed() bool {
	select {
	case <-l.closed:
		return true
	default:
		return false
	}
}
