package keeper

import (
	"context"
	"sort"
	"time"

	"github.com/mark-analyst/mark/sandbox"
)

// sweep suspends sessions that nobody uses and removes what is saved for too long.
func (k *Keeper) sweep(ctx context.Context) {
	k.settle(ctx)
	k.prune(ctx)
}

// settle keeps the live sessions that nobody uses within their limits.
func (k *Keeper) settle(ctx context.Context) {
	k.settling.Lock()
	defer k.settling.Unlock()
	k.measure()
	for _, e := range k.tooMany() {
		if ctx.Err() != nil {
			return
		}
		select {
		case e.turn <- struct{}{}:
		default:
			continue // somebody uses it again
		}
		if k.stillIdle(e) {
			if err := k.suspend(ctx, e); err != nil {
				k.c.Logger.WarnContext(ctx, "suspending a Python session failed", "key", e.key, "error", err)
			}
		}
		<-e.turn
		k.forget(e)
	}
}

// measure asks those whose memory is not known.
func (k *Keeper) measure() {
	k.mu.Lock()
	var unknown []*entry
	for e, i := range k.idle {
		if i.bytes == 0 {
			unknown = append(unknown, e)
		}
	}
	k.mu.Unlock()
	for _, e := range unknown {
		select {
		case e.turn <- struct{}{}:
		default:
			continue
		}
		if s, ok := e.live.(sandbox.Snapshotter); ok {
			bytes := s.MemoryBytes()
			k.mu.Lock()
			if i, still := k.idle[e]; still {
				i.bytes = max(bytes, 1)
				k.idle[e] = i
			}
			k.mu.Unlock()
		}
		<-e.turn
	}
}

// tooMany returns the sessions that have to be suspended, least recently used
// first.
func (k *Keeper) tooMany() []*entry {
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
	var out []*entry
	for _, u := range all {
		if count <= l.LiveSessions && bytes <= l.LiveBytes && now.Sub(u.since) < l.Idle {
			break
		}
		out = append(out, u.entry)
		count--
		bytes -= u.bytes
	}
	return out
}

// stillIdle takes an entry off the list of those that nobody uses, and reports
// whether it was there. The caller has the turn.
func (k *Keeper) stillIdle(e *entry) bool {
	k.mu.Lock()
	defer k.mu.Unlock()
	_, there := k.idle[e]
	delete(k.idle, e)
	return there
}

// forget drops an entry that holds nothing and that nobody waits for.
func (k *Keeper) forget(e *entry) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if _, live := k.idle[e]; !live && e.users == 0 && k.entries[e.key] == e {
		delete(k.entries, e.key)
	}
}

// prune removes images that are too old, and the least recently used of more than
// there is room for. A note stays, which says why; it goes after as long again.
func (k *Keeper) prune(ctx context.Context) {
	all, err := k.vault.list()
	if err != nil {
		k.c.Logger.WarnContext(ctx, "the saved Python sessions cannot be listed", "error", err)
		return
	}
	sort.Slice(all, func(i, j int) bool { return all[i].note.Used.After(all[j].note.Used) })
	now := k.c.Clock.Now()
	var bytes int64
	for _, one := range all {
		why := ""
		switch bytes += one.bytes; {
		case now.Sub(one.note.Used) >= k.c.Limits.MaxAge:
			why = goneAge
		case bytes > k.c.Limits.SavedBytes:
			why = goneRoom
			bytes -= one.bytes
		}
		if why == "" {
			continue
		}
		if err := k.vault.drop(one.key, one.note, why); err != nil {
			k.c.Logger.WarnContext(ctx, "a saved Python session cannot be removed", "key", one.key, "error", err)
		}
	}
	k.vault.forgetNotes(now.Add(-2 * max(k.c.Limits.MaxAge, 24*time.Hour)))
}
