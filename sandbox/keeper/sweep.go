package keeper

import (
	"context"
	"errors"
	"sort"
	"time"

	"github.com/mark-analyst/mark/sandbox"
)

// sweep suspends sessions that nobody uses and removes what is saved for too long.
func (k *Keeper) sweep(ctx context.Context) {
	k.settle(ctx)
	k.prune(ctx)
	if k.c.Shared == nil || !k.sharedDue() {
		return
	}
	if err := k.sweepShared(ctx); err != nil && ctx.Err() == nil {
		k.c.Logger.WarnContext(ctx, "the shared Python sessions could not be tidied", "error", err)
	}
}

// sharedDue reports whether it is time to tidy the shared store.
func (k *Keeper) sharedDue() bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	now := k.c.Clock.Now()
	if now.Sub(k.tidied) < sharedEvery {
		return false
	}
	k.tidied = now
	return true
}

// settle keeps the live sessions that nobody uses within their limits.
func (k *Keeper) settle(ctx context.Context) {
	k.settling.Lock()
	defer k.settling.Unlock()
	k.measure()
	for _, key := range k.tooMany() {
		if ctx.Err() != nil {
			return
		}
		e, unused := k.borrow(key)
		if !unused {
			continue // somebody uses it again
		}
		if err := k.suspend(ctx, e); err != nil {
			k.c.Logger.WarnContext(ctx, "suspending a Python session failed", "key", key, "error", err)
		}
		k.release(e)
	}
}

// measure asks those whose memory is not known. Who does not know it now is asked
// again, and counts for nothing until then.
func (k *Keeper) measure() {
	k.mu.Lock()
	var unknown []string
	for e, i := range k.idle {
		if i.bytes == 0 {
			unknown = append(unknown, e.key)
		}
	}
	k.mu.Unlock()
	for _, key := range unknown {
		e, unused := k.borrow(key)
		if !unused {
			continue
		}
		if s, ok := e.live.(sandbox.Snapshotter); ok {
			bytes, known := s.MemoryBytes()
			k.mu.Lock()
			if i, still := k.idle[e]; still && known {
				i.bytes = max(bytes, 1)
				k.idle[e] = i
			}
			k.mu.Unlock()
		}
		k.release(e)
	}
}

// tooMany returns the keys whose sessions have to be suspended, least recently
// used first.
func (k *Keeper) tooMany() []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	type unused struct {
		entry *entry
		idle
	}
	all := make([]unused, 0, len(k.idle))
	var bytes int64
	for e, i := range k.idle {
		all = append(all, unused{e, i})
		bytes += i.bytes
	}
	sort.Slice(all, func(i, j int) bool { return all[i].since.Before(all[j].since) })
	l, count, now := k.c.Limits, len(all), k.c.Clock.Now()
	var out []string
	for _, u := range all {
		if count <= l.LiveSessions && bytes <= l.LiveBytes && now.Sub(u.since) < l.Idle {
			break
		}
		out = append(out, u.entry.key)
		count--
		bytes -= u.bytes
	}
	return out
}

// prune removes images that are too old, and the least recently used of more than
// there is room for: of old points first. A note stays, which says why; it goes
// after as long again.
func (k *Keeper) prune(ctx context.Context) {
	k.pruning.Lock()
	defer k.pruning.Unlock()
	spare := k.vault.spare.Load() // what is saved from here on is taken from it
	all, err := k.vault.list()
	if err != nil {
		k.c.Logger.WarnContext(ctx, "the saved Python sessions cannot be listed", "error", err)
		return
	}
	sort.Slice(all, func(i, j int) bool { return all[i].note.Used.After(all[j].note.Used) })
	now := k.c.Clock.Now()
	taken := room{free: k.c.Limits.SavedBytes}
	for _, one := range all {
		why := ""
		switch {
		case now.Sub(one.note.Used) >= k.c.Limits.MaxAge:
			why = goneAge
		case !taken.take(one.file):
			why = goneRoom
		}
		if why == "" {
			continue
		}
		k.change(ctx, one.key, one.note.Used, func() error { return k.vault.drop(one.key, one.note, why) })
	}
	k.prunePoints(ctx, &taken)
	k.vault.spare.Add(taken.free - spare)
	before := now.Add(-2 * max(k.c.Limits.MaxAge, 24*time.Hour))
	for _, one := range k.vault.gone() {
		if one.note.Used.Before(before) {
			k.change(ctx, one.key, one.note.Used, func() error { return k.vault.erase(one.key) })
		}
	}
}

// prunePoints removes points that are too old, and the oldest of more than there is
// room for beside the newest images. Nobody needs to have the turn for that: a point
// is lent whole or not at all.
func (k *Keeper) prunePoints(ctx context.Context, taken *room) {
	all, err := k.vault.points("")
	now := k.c.Clock.Now()
	for _, p := range all {
		if now.Sub(p.file.ModTime()) >= k.c.Limits.MaxAge || !taken.take(p.file) {
			err = errors.Join(err, k.vault.dropPoint(p.key, p.name))
		}
	}
	if err != nil {
		k.c.Logger.WarnContext(ctx, "old points of Python sessions cannot be removed", "error", err)
	}
}

// change changes what is kept of a key that nobody uses, and that nobody has used
// since it was looked at.
func (k *Keeper) change(ctx context.Context, key string, used time.Time, do func() error) {
	e, unused := k.borrow(key)
	if !unused {
		return
	}
	defer k.release(e)
	if e.saves != nil { // a last step may still be on its way to the disk
		e.saves.noting.Lock()
		defer e.saves.noting.Unlock()
	}
	if n, known := k.vault.read(key); known && !n.Used.Equal(used) {
		return
	}
	if err := do(); err != nil {
		k.c.Logger.WarnContext(ctx, "a saved Python session cannot be removed", "key", key, "error", err)
	}
}
