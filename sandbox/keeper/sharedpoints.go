package keeper

import (
	"context"
	"errors"
	"io/fs"
	"slices"
	"time"
)

// sharedPoint is the name of an image in the shared store that outlives its term.
type sharedPoint struct {
	name string
	blob string // that says so
	made time.Time
}

// ofPoint reports whether a blob of a term is a point's, or says to those that are
// on their way that the key was not erased.
func (t *term) ofPoint(key, name string) bool {
	for step, p := range t.points {
		if name == p.blob || name == blob(key, t.name, numbered(imageBlob, step)) {
			return true
		}
	}
	return len(t.points) > 0 && name == blob(key, t.name, claimBlob)
}

// begunWith reports whether the next process may begin with an image: it is that of
// the term in force, or, where that has none, it may be any that is no point. The
// others are points, or about to be removed, maybe by another node.
func begunWith(terms []*term, t *term, step int) bool {
	last, _ := latest(terms)
	if last == nil {
		return false
	}
	if image := last.image(last.steps); image > 0 {
		return t == last && step == image
	}
	_, is := t.points[step]
	return !is
}

// placedPoint is a point with its place.
type placedPoint struct {
	sharedPoint
	term *term
	step int
}

// pointsOf returns the points of all terms of a key, the latest first.
func pointsOf(terms []*term) (all []placedPoint) {
	for _, t := range terms {
		for step, p := range t.points {
			all = append(all, placedPoint{p, t, step})
		}
	}
	slices.SortFunc(all, func(a, b placedPoint) int {
		if c := b.made.Compare(a.made); c != 0 {
			return c
		}
		return b.step - a.step
	})
	return all
}

// excess takes the oldest of too many points from the terms of a key, and returns
// the names of the blobs that made them points.
func excess(terms []*term, most int) (names []string) {
	all := pointsOf(terms)
	for _, p := range all[min(most, len(all)):] {
		delete(p.term.points, p.step)
		names = append(names, p.blob)
	}
	return names
}

// fetchPoint copies a point of whichever node to a file of the vault's.
func (k *Keeper) fetchPoint(ctx context.Context, key, name string) (beginning, error) {
	terms, err := k.terms(ctx, key)
	if err != nil {
		return beginning{}, unshared(ctx, err)
	}
	all := pointsOf(terms)
	i := slices.IndexFunc(all, func(p placedPoint) bool { return p.name == name })
	if i < 0 {
		return beginning{}, noPoint(key, name)
	}
	var c claim
	known, err := k.getJSON(ctx, all[i].blob, &c)
	if err == nil && (!known || !k.fits(c.Base)) {
		return beginning{}, noPoint(key, name)
	}
	b := beginning{base: c.Base}
	if err == nil {
		b.path, err = k.fetch(ctx, key, found{term: all[i].term.name, step: all[i].step})
	}
	switch {
	case errors.Is(err, fs.ErrNotExist): // not yet, or not any more
		return beginning{}, noPoint(key, name)
	case err != nil:
		return beginning{}, unshared(ctx, err)
	}
	return b, nil
}

// prunePointsShared removes points that are too old, and the oldest of more than
// there is room for beside the newest images.
func (k *Keeper) prunePointsShared(ctx context.Context, all map[string][]*term, taken int64) error {
	type owned struct {
		key string
		placedPoint
	}
	var points []owned
	for key, terms := range all {
		for _, p := range pointsOf(terms) {
			points = append(points, owned{key, p})
		}
	}
	slices.SortFunc(points, func(a, b owned) int { return b.made.Compare(a.made) })
	now := k.c.Clock.Now()
	var err error
	for _, p := range points {
		bytes := int64(0)
		if !begunWith(all[p.key], p.term, p.step) { // that is counted
			bytes = p.term.images[p.step]
		}
		if now.Sub(p.made) < k.c.Limits.MaxAge && taken+bytes <= k.c.Limits.SavedBytes {
			taken += bytes
			continue
		}
		err = errors.Join(err, k.c.Shared.Delete(ctx, p.blob))
		delete(p.term.points, p.step) // so its image is superfluous
	}
	return err
}

// fits reports whether what was made on a base can be resumed here, as far as that
// is known: a provider without one says itself why it resumes nothing.
func (k *Keeper) fits(base string) bool {
	own := k.base()
	return own == "" || own == base
}
