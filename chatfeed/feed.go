// Package chatfeed tells whoever follows a chat what changes in it. Unlike a
// run's log it tells states and not a history: first how the chat stands, then
// each thing that has come to stand otherwise. Changes in quick succession come
// as one, of the newest state, and whoever was away is told anew how it stands.
//
// The table is the truth. Each transaction that changes what is told raises the
// version of the chat; hooks on the client see to it, whoever makes the change.
// A follower compares the version with that of what it told last, and reads what
// differs. That the version was raised it is told by hints, in this process and
// by PostgreSQL's NOTIFY from others; a hint that gets lost costs a second, until
// all chats that are followed are looked at, never an event.
//
// Changes made in SQL (ExecContext) are not seen by the hooks: of the columns
// that are told of here, none is written in SQL.
package chatfeed

import (
	"context"
	"errors"
	"log/slog"
	"sync"
	"time"

	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/internal/pgnotify"
)

// The errors that callers act upon.
var (
	// ErrNoChat: the viewer has no such chat.
	ErrNoChat = errors.New("chatfeed: no such chat")
	// ErrClosed: the feed was closed while the chat was being followed.
	ErrClosed = errors.New("chatfeed: closed")
)

// Config is what a Feed needs.
type Config struct {
	// Client is what chats are read through, and changed through by everybody
	// in this process: New gives it the hooks. Each client has one Feed.
	Client  *ent.Client
	Dialect string // dialect.SQLite or dialect.Postgres: what Client speaks
	// PostgresURL is where to LISTEN for what other processes change. Empty:
	// what they change is found by polling.
	PostgresURL string
	Logger      *slog.Logger
	// Poll is how often the table is looked at without a hint; 0 means a
	// second.
	Poll time.Duration
}

// Feed tells of chats. It is safe for concurrent use.
type Feed struct {
	client *ent.Client
	sql    statements
	logger *slog.Logger
	poll   time.Duration
	topics topics

	stop   context.CancelFunc
	closed <-chan struct{} // stop was called
	done   sync.WaitGroup  // the goroutines that carry hints
}

// New returns a Feed whose hints are being carried until Close.
func New(c Config) (*Feed, error) {
	statements, err := statementsFor(c.Dialect)
	if err != nil {
		return nil, err
	}
	if c.Poll <= 0 {
		c.Poll = time.Second
	}
	ctx, stop := context.WithCancel(context.Background())
	f := &Feed{
		client: c.Client, sql: statements, logger: c.Logger, poll: c.Poll,
		stop: stop, closed: ctx.Done(),
	}
	f.hook()
	f.done.Go(func() { f.pollVersions(ctx) })
	if c.PostgresURL != "" && statements.notify != "" {
		listener := pgnotify.Listener{
			URL: c.PostgresURL, Channel: channel, Take: f.take, Missed: f.lookAtAll, Logger: c.Logger,
		}
		f.done.Go(func() { listener.Run(ctx) })
	}
	return f, nil
}

// Close ends all followers with ErrClosed and the goroutines that carry hints.
// Closing twice is harmless. It does not close the client, whose changes go on
// raising versions.
func (f *Feed) Close() error {
	f.stop()
	f.done.Wait()
	return nil
}

func (f *Feed) isClosed() bool {
	select {
	case <-f.closed:
		return true
	default:
		return false
	}
}
