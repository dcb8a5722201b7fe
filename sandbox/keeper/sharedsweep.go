package keeper

import (
	"context"
	"errors"
	"maps"
	"slices"
	"strings"
	"time"
)

// sharedEvery is how often a node tidies the shared store, and looks what the
// others have done with what it keeps itself. Any number of nodes may do so at the
// same time.
const sharedEvery = 10 * time.Minute

// homeless is how old blobs without a claim get: they are what a node brought
// after the key was erased on another, or is about to claim.
const homeless = time.Hour

// sweepShared applies the limits to the shared store, and lets go of what was
// erased on other nodes or has gone on there.
func (k *Keeper) sweepShared(ctx context.Context) error {
	keys := k.ownKeys() // before the look: of one that is used since, it would find nothing
	all, err := k.allTerms(ctx, "")
	if err != nil {
		return err
	}
	err = errors.Join(k.pruneShared(ctx, all), k.tidyShared(ctx, all))
	for key := range keys {
		k.letGo(ctx, key, all[key])
	}
	return err
}

// eraseShared leaves nothing of a key in the shared store.
func (k *Keeper) eraseShared(ctx context.Context, key string) error {
	terms, err := k.terms(ctx, key)
	if err != nil {
		return err
	}
	for _, t := range terms {
		err = errors.Join(err, k.remove(ctx, t.blobs))
	}
	return err
}

// holding is what a key takes of the shared store.
type holding struct {
	key   string
	bytes int64
	used  time.Time
	last  *term
}

// pruneShared removes the images of keys that were not used for too long, and of
// those used least recently where there are too many: of old points first. Why stays,
// for as long again.
func (k *Keeper) pruneShared(ctx context.Context, all map[string][]*term) error {
	var holdings []holding
	for key, terms := range all {
		h := holding{key: key}
		h.last, _ = latest(terms)
		for _, t := range terms {
			if t.made.After(h.used) {
				h.used = t.made
			}
			for step, bytes := range t.images {
				if begunWith(terms, t, step) {
					h.bytes += bytes
				}
			}
		}
		holdings = append(holdings, h)
	}
	slices.SortFunc(holdings, func(a, b holding) int { return b.used.Compare(a.used) })
	now, bytes := k.c.Clock.Now(), int64(0)
	var errs error
	for _, h := range holdings {
		var why string
		unused := now.Sub(h.used)
		switch bytes += h.bytes; {
		case h.last == nil:
			continue
		case h.bytes == 0 && unused >= 2*max(k.c.Limits.MaxAge, 24*time.Hour):
			errs = errors.Join(errs, k.eraseShared(ctx, h.key))
			continue
		case h.bytes == 0:
			continue
		case unused >= k.c.Limits.MaxAge:
			why = goneAge
		case bytes > k.c.Limits.SavedBytes:
			why = goneRoom
		default:
			continue
		}
		bytes -= h.bytes
		errs = errors.Join(errs, k.dropShared(ctx, h, all[h.key], why))
	}
	return errors.Join(errs, k.prunePointsShared(ctx, all, bytes))
}

// dropShared removes the images of a key.
func (k *Keeper) dropShared(ctx context.Context, h holding, terms []*term, why string) error {
	// The reason first: without it nothing would say that there was something.
	err := k.c.Shared.Put(ctx, blob(h.key, h.last.name, goneBlob), strings.NewReader(why))
	if err != nil {
		return err
	}
	for _, t := range terms {
		for step := range t.images {
			err = errors.Join(err, k.c.Shared.Delete(ctx, blob(h.key, t.name, numbered(imageBlob, step))))
		}
		for _, p := range t.points {
			err = errors.Join(err, k.c.Shared.Delete(ctx, p.blob))
		}
		t.images, t.points = nil, nil // of what this look has found
	}
	return err
}

// tidyShared removes what nobody will look for.
func (k *Keeper) tidyShared(ctx context.Context, all map[string][]*term) error {
	var err error
	for key, terms := range all {
		err = errors.Join(err, k.remove(ctx, k.superfluous(key, terms)))
		if last, _ := latest(terms); last != nil {
			continue
		}
		for _, t := range terms {
			if k.c.Clock.Now().Sub(t.made) >= homeless {
				err = errors.Join(err, k.remove(ctx, t.blobs))
			}
		}
	}
	return err
}

// ownKeys are those that this node keeps something of.
func (k *Keeper) ownKeys() map[string]bool {
	keys := map[string]bool{}
	kept, err := k.vault.list()
	if err != nil {
		return nil // prune has said so
	}
	for _, one := range kept {
		keys[one.key] = true
	}
	points, err := k.vault.points("")
	if err != nil {
		return nil // as well
	}
	for _, p := range points {
		keys[p.key] = true
	}
	k.mu.Lock()
	defer k.mu.Unlock()
	for e := range maps.Keys(k.idle) {
		keys[e.key] = true
	}
	return keys
}

// letGo lets go of what this node keeps of a key that was erased on another or has
// gone on there, and shares what it could not share before.
func (k *Keeper) letGo(ctx context.Context, key string, terms []*term) {
	e, unused := k.borrow(key)
	if !unused {
		return // who uses it has looked
	}
	defer k.release(e)
	if e.live != nil && !inForce(terms, e.saves.term) {
		k.abandon(ctx, e)
	}
	if e.saves != nil && !e.saves.wait(ctx) && ctx.Err() != nil {
		return
	}
	k.letPointsGo(ctx, key, terms)
	n, known := k.vault.read(key)
	if !known || n.Term == "" || e.live != nil && n.Term != e.saves.term {
		return // of before there was a shared store, or what the live session began with
	}
	last, _ := latest(terms)
	var err error
	switch {
	case last == nil && !strings.HasPrefix(n.Term, firstTerm): // erased
		err = k.vault.erase(key)
	case last == nil || n.Gone != "":
	case last.name > n.Term && last.steps > 0 && last.image(last.steps) > 0: // it has gone on
		err = k.vault.forget(key)
	case last.name == n.Term && last.image(n.Step) < n.Step:
		err = k.uploads.send(key, n, "")
	}
	if err != nil {
		k.c.Logger.WarnContext(ctx, "a saved Python session cannot be let go or shared", "key", key, "error", err)
	}
}

// letPointsGo lets go of the points of a key that was erased on another node.
func (k *Keeper) letPointsGo(ctx context.Context, key string, terms []*term) {
	if last, _ := latest(terms); last != nil {
		return
	}
	all, err := k.vault.points(key)
	for _, one := range all {
		if p, known := k.vault.point(key, one.name); known && p.Term != "" { // not of before there was a shared store
			err = errors.Join(err, k.vault.dropPoint(key, one.name))
		}
	}
	if err != nil {
		k.c.Logger.WarnContext(ctx, "points of an erased Python session cannot be let go", "key", key, "error", err)
	}
}

func inForce(terms []*term, name string) bool {
	last, _ := latest(terms)
	return last != nil && last.name == name
}
