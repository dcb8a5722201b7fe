// Package keeper keeps Python sessions under keys, so that variables outlive the
// process that holds them: a session stays alive between uses while there is
// room, is saved after every step, and goes on from what was saved when it is
// asked for again: after it was suspended, after a restart or a crash of the
// service, or a week later. What a step with a name left is kept beside it, to go
// back to or to begin another session with.
//
// What is saved is encrypted with a key of the service's; while it is written
// and while it is read it is in the clear for a moment, in a folder that only
// the service can enter. It fits only what it was made on (sandbox.Keeping);
// where it does not fit any more, or is gone, Open says so.
package keeper

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"regexp"
	"sync"
	"time"

	"github.com/mark-analyst/mark/internal/clock"
	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/sandbox"
)

// Config is what a Keeper is made of.
type Config struct {
	// Provider opens the sessions. One that is not sandbox.Keeping keeps
	// variables only as long as the session lives.
	Provider sandbox.Provider
	Dir      string // of what is saved; of this node alone
	KeyFile  string // of the key that it is encrypted with; made if needed
	// Secret is what that key is derived from instead, so that nodes with the same
	// secret have the same key; empty: the file counts.
	Secret []byte
	// Shared is where the nodes of a service exchange what they save; they
	// have the same key. nil: this is the only node.
	Shared Shared
	Limits Limits
	Clock  clock.Clock
	Logger *slog.Logger
}

// Limits bound what is kept. Zero fields: DefaultLimits.
type Limits struct {
	// LiveSessions and LiveBytes are how many unused sessions stay alive and
	// what they may take of the machine's memory, together: beyond that the
	// one that was used least recently is suspended, and any after Idle.
	LiveSessions int
	LiveBytes    int64
	Idle         time.Duration
	// SavedBytes is what all saved sessions may take of the disk, their points
	// included; old points go first, then those used least recently. MaxAge is
	// how long one is kept unused, and how long a point is kept.
	// Both are for this node's disk and for the shared store, each.
	SavedBytes int64
	MaxAge     time.Duration
	// Points is of how many steps a key the variables are kept that can be gone
	// back to; the oldest go.
	Points int
}

// DefaultLimits returns what the zero fields of Limits mean: live sessions for a
// small machine, and 10 GiB for some 250 saved ones of 40 MB.
func DefaultLimits() Limits {
	return Limits{
		LiveSessions: 4, LiveBytes: 2 << 30, Idle: 10 * time.Minute,
		SavedBytes: 10 << 30, MaxAge: 30 * 24 * time.Hour, Points: 20,
	}
}

// sweepEvery is how often idle sessions and old images are looked for.
const sweepEvery = 30 * time.Second

// Keeper keeps sessions. It is safe for concurrent use.
type Keeper struct {
	c       Config
	keeping sandbox.Keeping // nil: the provider cannot
	vault   *vault
	uploads *uploads

	cancel   context.CancelFunc
	loops    sync.WaitGroup
	settling sync.Mutex // held while idle sessions are looked through
	pruning  sync.Mutex // held while what is saved is looked through

	mu      sync.Mutex        // protects the rest
	entries map[string]*entry // those that live, or that somebody waits for
	idle    map[*entry]idle   // live ones that nobody uses
	closed  bool
	tidied  time.Time // when the shared store was, last
}

// idle is what is known of a session that nobody uses.
type idle struct {
	since time.Time
	bytes int64
}

// New returns a Keeper over what is saved in its folder.
func New(c Config) (*Keeper, error) {
	d := DefaultLimits()
	fill(&c.Limits.LiveSessions, d.LiveSessions)
	fill(&c.Limits.LiveBytes, d.LiveBytes)
	fill(&c.Limits.Idle, d.Idle)
	fill(&c.Limits.SavedBytes, d.SavedBytes)
	fill(&c.Limits.MaxAge, d.MaxAge)
	fill(&c.Limits.Points, d.Points)
	v, err := openVault(c.Dir, c.KeyFile, c.Secret)
	if err != nil {
		return nil, fmt.Errorf("keep Python sessions in %s: %w", c.Dir, err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	k := &Keeper{c: c, vault: v, cancel: cancel, entries: map[string]*entry{}, idle: map[*entry]idle{}}
	k.uploads = &uploads{keeper: k, byKey: map[string]*upload{}}
	k.keeping, _ = c.Provider.(sandbox.Keeping)
	k.loops.Go(func() {
		tick := time.NewTicker(sweepEvery)
		defer tick.Stop()
		for {
			k.sweep(ctx)
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
		}
	})
	return k, nil
}

var goodKey = regexp.MustCompile(`^[A-Za-z0-9_-]{1,100}$`)

// Open returns the session of a key with the files and limits of spec, and says
// where its variables come from. It waits until nobody else uses that session.
// Closing the session gives it back. Errors are those of sandbox.Provider's Open.
func (k *Keeper) Open(ctx context.Context, key string, spec execution.Spec) (execution.Session, execution.Origin, error) {
	if !goodKey.MatchString(key) {
		return nil, execution.Origin{}, fmt.Errorf("keep a session: %q is no key", key)
	}
	e, err := k.acquire(ctx, key)
	if err != nil {
		return nil, execution.Origin{}, err
	}
	origin, err := k.bring(ctx, e, spec)
	if err != nil {
		k.release(e)
		return nil, origin, err
	}
	return &held{keeper: k, entry: e, session: e.live}, origin, nil
}

// Erase ends the session of a key and leaves nothing of it. It waits until nobody
// uses the session.
func (k *Keeper) Erase(ctx context.Context, key string) error {
	if !goodKey.MatchString(key) {
		return nil // nothing can be kept under it
	}
	e, err := k.acquire(ctx, key)
	if err != nil {
		return err
	}
	defer k.release(e)
	if e.saves != nil {
		e.saves.drop()
		err = e.close()
		e.saves.wait(context.WithoutCancel(ctx)) // what is being written ends at once
	}
	err = errors.Join(err, k.uploads.drop(ctx, key), k.vault.erase(key))
	if k.c.Shared == nil {
		return err
	}
	return errors.Join(err, k.eraseShared(ctx, key))
}

// Close saves what lives and ends it. What ctx does not leave time for keeps what
// was saved of it last. Closing twice is harmless.
func (k *Keeper) Close(ctx context.Context) error {
	k.mu.Lock()
	k.closed = true
	all := make([]*entry, 0, len(k.entries))
	for _, e := range k.entries {
		all = append(all, e)
	}
	k.mu.Unlock()
	k.cancel()
	var err error
	for _, e := range all {
		select {
		case e.turn <- struct{}{}:
			err = errors.Join(err, k.suspend(ctx, e))
			<-e.turn
		case <-ctx.Done():
		}
	}
	if late := k.uploads.close(ctx); late != nil {
		return errors.Join(err, late) // the provider ends the rest
	}
	k.loops.Wait()
	return err
}

// acquire waits for the turn of a key.
func (k *Keeper) acquire(ctx context.Context, key string) (*entry, error) {
	k.mu.Lock()
	if k.closed {
		k.mu.Unlock()
		return nil, shuttingDown()
	}
	e := k.entry(key)
	e.users++
	k.mu.Unlock()
	select {
	case e.turn <- struct{}{}:
		if !k.unidle(e) { // closed during the wait: it is Close's to save what lives
			<-e.turn
			k.leave(e)
			return nil, shuttingDown()
		}
		return e, nil
	case <-ctx.Done():
		k.leave(e)
		return nil, &execution.Error{
			Code: execution.CodeCancelled, Fatal: true, Err: ctx.Err(),
			Message: "The Python session of this chat is in use; the wait for it was given up.",
		}
	}
}

// borrow takes the turn of a key, for work of the keeper's own, where nobody has
// it. The borrower counts as a user: were the entry forgotten meanwhile, the key
// would get a second one beside it.
func (k *Keeper) borrow(key string) (*entry, bool) {
	k.mu.Lock()
	defer k.mu.Unlock()
	e := k.entry(key)
	select {
	case e.turn <- struct{}{}:
		e.users++
		return e, true
	default:
		return nil, false
	}
}

// entry returns what is known of a key. It needs the lock.
func (k *Keeper) entry(key string) *entry {
	e := k.entries[key]
	if e == nil {
		e = &entry{key: key, turn: make(chan struct{}, 1)}
		k.entries[key] = e
	}
	return e
}

// release gives back a turn.
func (k *Keeper) release(e *entry) {
	k.mu.Lock()
	if _, unused := k.idle[e]; e.live == nil {
		delete(k.idle, e)
	} else if !unused { // a borrower leaves it unused for as long as it was
		k.idle[e] = idle{since: k.c.Clock.Now()}
	}
	k.mu.Unlock()
	<-e.turn
	k.leave(e)
}

// leave forgets an entry that holds nothing and that nobody waits for.
func (k *Keeper) leave(e *entry) {
	k.mu.Lock()
	defer k.mu.Unlock()
	e.users--
	if _, live := k.idle[e]; !live && e.users == 0 && k.entries[e.key] == e {
		delete(k.entries, e.key)
	}
}

// unidle notes that an entry is used, unless the Keeper was closed.
func (k *Keeper) unidle(e *entry) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	if !k.closed {
		delete(k.idle, e)
	}
	return !k.closed
}

func shuttingDown() error {
	return &execution.Error{Code: execution.CodeUnavailable, Fatal: true, Message: "The service is shutting down."}
}

func fill[T int | int64 | time.Duration](value *T, fallback T) {
	if *value <= 0 {
		*value = fallback
	}
}
