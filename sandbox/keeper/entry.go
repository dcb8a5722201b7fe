package keeper

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"time"

	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/sandbox"
)

// entry is what is known of a key while its session lives or somebody waits.
type entry struct {
	key   string
	turn  chan struct{} // holds an element while somebody uses the entry
	users int           // have the turn or wait for it; guarded by the Keeper's mu

	// The rest is for who has the turn.
	live  execution.Session // nil: none
	files []execution.File  // of the live session
	saves *saves            // of the live session, or of the last one; nil: there was none
	// origin is of the live session until a step has run: who opened it and gave
	// it back unused has told nobody.
	origin execution.Origin
}

func (e *entry) begin(live execution.Session, spec execution.Spec, term string, origin execution.Origin) {
	e.live, e.files, e.saves, e.origin = live, spec.Files, newSaves(term), origin
}

// close ends the live session without saving it.
func (e *entry) close() error {
	if e.live == nil {
		return nil
	}
	live := e.live
	e.live = nil
	return live.Close()
}

// suspend saves what is not saved yet and ends the live session. Where it cannot be
// saved, the image of an earlier step stays, whose note says so; where only ctx
// did not leave the time for it, the session lives on.
func (k *Keeper) suspend(ctx context.Context, e *entry) error {
	if e.live == nil {
		return nil
	}
	if k.keeping == nil {
		now := k.c.Clock.Now()
		return errors.Join(e.close(), k.vault.write(e.key, note{Used: now, Gone: goneEnded}))
	}
	if !e.saves.wait(ctx) && ctx.Err() == nil { // the last try failed
		k.save(ctx, e.key, e.live, e.saves)
	}
	if ctx.Err() != nil && e.saves.unsaved() {
		return ctx.Err()
	}
	return e.close()
}

// shot is a snapshot that is not in the vault yet.
type shot struct {
	folder string // in the clear
	step   int    // the last one that it holds
	point  string // whose state it is; "": nobody's who asks for it by name
	made   time.Time
}

// save writes the session's memory to the vault.
func (k *Keeper) save(ctx context.Context, key string, live execution.Session, saves *saves) {
	if one := k.shoot(ctx, key, live, saves); one != nil {
		k.seal(ctx, key, *one, saves)
	}
}

// shoot takes a snapshot; nil: it could not be taken.
func (k *Keeper) shoot(ctx context.Context, key string, live execution.Session, saves *saves) *shot {
	session, ok := live.(sandbox.Snapshotter)
	if !ok {
		return nil
	}
	one := &shot{}
	one.step, one.point = saves.now()
	var err error
	if one.folder, err = k.vault.temp(); err == nil {
		err = session.Snapshot(ctx, one.folder)
	}
	one.made = k.c.Clock.Now()
	if !saves.exact(one.step) {
		one.point = ""
	}
	saves.shot() // the next step may begin
	if err == nil {
		return one
	}
	k.vault.clear(one.folder)
	k.unsavable(ctx, key, err, saves)
	return nil
}

// seal makes a snapshot the key's image.
func (k *Keeper) seal(ctx context.Context, key string, one shot, saves *saves) {
	defer k.vault.clear(one.folder)
	sealed, err := k.vault.seal(ctx, one.folder)
	if err == nil {
		err = k.commit(ctx, key, sealed, one, saves)
	}
	if err != nil {
		k.unsavable(ctx, key, err, saves)
		return
	}
	saves.saved(one.step)
}

func (k *Keeper) commit(ctx context.Context, key, sealed string, one shot, saves *saves) error {
	saves.noting.Lock()
	defer saves.noting.Unlock()
	if saves.dropped() {
		k.vault.clear(sealed)
		return nil
	}
	n := note{Base: k.keeping.Base(), Used: one.made, Term: saves.term, Step: one.step}
	if saves.later(one.step) {
		n.Behind = goneUnsaved
	}
	if one.point != "" {
		k.keepPoint(ctx, key, sealed, n, one)
	}
	if err := k.vault.commit(key, sealed, n); err != nil || k.c.Shared == nil {
		return err
	}
	return k.uploads.send(key, n, one.point)
}

// keepPoint keeps a sealed image as a point. Where that fails the point is not kept.
func (k *Keeper) keepPoint(ctx context.Context, key, sealed string, n note, one shot) {
	err := k.vault.keep(key, one.point, sealed, point{Base: n.Base, Term: n.Term, Step: n.Step}, one.made)
	if err = errors.Join(err, k.vault.trim(key, k.c.Limits.Points)); err != nil {
		k.c.Logger.WarnContext(ctx, "the variables after a step are not kept for going back to", "key", key, "point", one.point, "error", err)
	}
}

func (k *Keeper) unsavable(ctx context.Context, key string, err error, saves *saves) {
	if !saves.dropped() {
		k.c.Logger.WarnContext(ctx, "the variables of a Python session could not be saved", "key", key, "error", err)
	}
}

// stepped notes, before the step is saved, that what is saved lacks it: the
// service may end first.
func (k *Keeper) stepped(ctx context.Context, key string, why string) {
	n, known := k.vault.read(key)
	switch {
	case !known:
		now := k.c.Clock.Now()
		n = note{Base: k.keeping.Base(), Used: now, Gone: why}
	case n.Gone != "":
		n.Gone = why
	case n.Behind == "": // otherwise it lacks more than this step
		n.Behind = why
	}
	err := k.vault.write(key, n)
	if err == nil {
		return
	}
	k.c.Logger.WarnContext(ctx, "the note of a snapshot could not be written", "key", key, "error", err)
	// No image is better than one that passes for the latest, and leaves room.
	if err := k.vault.drop(key, n, why); err != nil {
		k.c.Logger.WarnContext(ctx, "an old snapshot stays", "key", key, "error", err)
	}
}

// ended notes that a session was ended by its own code.
func (k *Keeper) ended(ctx context.Context, e *entry) {
	e.saves.wait(ctx) // of the step before, whose snapshot was taken
	if k.c.Shared != nil {
		k.endedShared(ctx, e)
	}
	if _, known := k.vault.read(e.key); known {
		k.stepped(ctx, e.key, goneEnded)
	}
}

// held is a session that somebody uses.
type held struct {
	keeper  *Keeper
	entry   *entry
	session execution.Session

	dead bool // ended by its own code; of the one goroutine that runs steps
	once sync.Once
	err  error
}

// Run implements execution.Session. It waits until the snapshot of the step before
// is taken, which takes less time than a model needs to ask for the next: were it
// taken later, a step that ends the session would cost that of the one before.
func (h *held) Run(ctx context.Context, code string, host execution.Host) (execution.Result, error) {
	if host.Point != "" && !goodPoint.MatchString(host.Point) {
		return execution.Result{}, &execution.Error{
			Code: execution.CodeUnavailable, Message: "This step cannot be run under its name.",
			Err: fmt.Errorf("%q is no name of a point", host.Point),
		}
	}
	h.entry.origin = execution.Origin{State: execution.OriginKept}
	h.entry.saves.waitShot(ctx)
	h.entry.saves.begin()
	noted := h.keeper.mark(ctx, h)
	result, err := h.session.Run(ctx, code, host)
	if failed := noted(); failed != nil { // nobody learns of this step, so it is as if it had not been
		result, err = execution.Result{}, errors.Join(failed, h.session.Close())
	}
	failure := (*execution.Error)(nil)
	switch fatal := errors.As(err, &failure) && failure.Fatal; {
	case h.keeper.keeping == nil:
		h.dead = h.dead || fatal
	case fatal && !h.dead:
		h.dead = true
		h.keeper.ended(context.WithoutCancel(ctx), h.entry)
	case !h.dead:
		h.keeper.saveSoon(h.entry, h.session, host.Point)
	}
	return result, err
}

// Close gives the session back.
func (h *held) Close() error {
	h.once.Do(func() {
		e, k := h.entry, h.keeper
		switch {
		case h.dead && k.keeping == nil:
			h.err = k.suspend(context.Background(), e) // which notes it
		case h.dead:
			h.err = e.close()
		}
		k.release(e)
		k.mu.Lock()
		defer k.mu.Unlock()
		if !k.closed {
			k.loops.Go(func() { k.settle(context.Background()) })
		}
	})
	return h.err
}

// saveSoon saves the session beside whatever comes next: one goroutine takes
// snapshots, one seals them, so that a step need not wait until the image of the
// one before is sealed. Of snapshots that wait to be sealed the latest stays, and
// those that are points.
func (k *Keeper) saveSoon(e *entry, live execution.Session, point string) {
	key, saves := e.key, e.saves
	saves.noting.Lock()
	k.stepped(context.Background(), key, goneUnsaved)
	begin := saves.want(point)
	saves.noting.Unlock()
	if !begin {
		return
	}
	go func() {
		for more := true; more; more = saves.more() {
			one := k.shoot(saves.ctx, key, live, saves)
			if one == nil {
				continue
			}
			old, begin := saves.put(*one)
			if old != nil {
				k.vault.clear(old.folder)
			}
			if begin {
				go k.sealAll(key, saves)
			}
		}
	}()
}

func (k *Keeper) sealAll(key string, saves *saves) {
	for one := saves.take(); one != nil; one = saves.take() {
		k.seal(saves.ctx, key, *one, saves)
		if k.vault.spare.Load() < 0 { // it may have been one too many
			k.prune(saves.ctx)
		}
	}
}
