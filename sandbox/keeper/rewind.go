package keeper

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"strings"

	"github.com/mark-analyst/mark/internal/execution"
)

// beginning is what a session is to begin with.
type beginning struct {
	path   string // in the vault, the keeper's to remove; "": it begins afresh
	base   string // what it can be resumed on
	behind string // why it lacks a step
	point  string // that it stays, of another key; "": it is none
}

// Rewind ends the session of a key; the next one begins with the variables as they
// were at a point, or afresh where that is "". It waits until nobody uses the
// session. What was kept as points stays. execution.ErrNoPoint is in the error
// where the point is not kept: then nothing has changed.
func (k *Keeper) Rewind(ctx context.Context, key, point string) error {
	if !goodKey.MatchString(key) {
		return fmt.Errorf("rewind a session: %q is no key", key)
	}
	e, err := k.acquire(ctx, key)
	if err != nil {
		return err
	}
	defer k.release(e)
	if e.saves != nil { // the point may be on its way to the disk
		if e.saves.wait(ctx); ctx.Err() != nil {
			return cancelled(ctx.Err())
		}
	}
	var b beginning
	if point != "" {
		if b, err = k.lend(ctx, key, point); err != nil {
			return err
		}
		defer k.vault.clear(b.path)
	}
	return k.establish(ctx, e, b)
}

// Fork has the first session of a key, which nothing is kept of, begin with the
// variables that another key has at a point, or with its newest where that is "".
// The point is one of both then, so that what goes on from there can go back to it
// too, or be forked there. It waits until nobody uses the other's session unless
// the point is there at once. execution.ErrNoPoint is in the error where there are
// no such variables.
func (k *Keeper) Fork(ctx context.Context, from, point, to string) error {
	for _, key := range []string{from, to} {
		if !goodKey.MatchString(key) {
			return fmt.Errorf("fork a session: %q is no key", key)
		}
	}
	b, err := k.lendIdle(ctx, from, point)
	if err != nil {
		return err
	}
	defer k.vault.clear(b.path)
	b.point = point
	e, err := k.acquire(ctx, to)
	if err != nil {
		return err
	}
	defer k.release(e)
	switch _, there, err := k.newest(ctx, to); {
	case err != nil:
		return unshared(ctx, err)
	case there, e.live != nil:
		return fmt.Errorf("fork a session: %s has one", to)
	}
	return k.establish(ctx, e, b)
}

// lend gives the image of a point, of whichever node, a name of its own.
func (k *Keeper) lend(ctx context.Context, key, name string) (beginning, error) {
	if !goodPoint.MatchString(name) || k.keeping == nil {
		return beginning{}, noPoint(key, name)
	}
	path, p, err := k.vault.lend(key, name)
	switch {
	case errors.Is(err, fs.ErrNotExist) && k.c.Shared != nil:
		return k.fetchPoint(ctx, key, name)
	case errors.Is(err, fs.ErrNotExist):
		return beginning{}, noPoint(key, name)
	case err != nil:
		return beginning{}, unavailable(err)
	}
	if !k.fits(p.Base) {
		k.vault.clear(path)
		return beginning{}, noPoint(key, name)
	}
	return beginning{path: path, base: p.Base}, nil
}

// lendIdle lends a point, or the newest image, of a key that this node may be using.
func (k *Keeper) lendIdle(ctx context.Context, key, point string) (beginning, error) {
	if point != "" {
		if b, err := k.lend(ctx, key, point); !errors.Is(err, execution.ErrNoPoint) {
			return b, err
		}
	}
	e, err := k.acquire(ctx, key)
	if err != nil {
		return beginning{}, err
	}
	defer k.release(e)
	if e.saves != nil {
		if e.saves.wait(ctx); ctx.Err() != nil {
			return beginning{}, cancelled(ctx.Err())
		}
	}
	if point != "" {
		return k.lend(ctx, key, point)
	}
	return k.lendNewest(ctx, key)
}

// lendNewest gives the newest image of a key, of whichever node, a name of its own.
func (k *Keeper) lendNewest(ctx context.Context, key string) (beginning, error) {
	if k.keeping == nil {
		return beginning{}, noPoint(key, "")
	}
	f, there, err := k.newest(ctx, key)
	if err != nil {
		return beginning{}, unshared(ctx, err)
	}
	if !there || !k.fits(f.base) {
		return beginning{}, noPoint(key, "")
	}
	b := beginning{base: f.base, behind: f.behind}
	if f.here {
		b.path, err = k.vault.link(k.vault.image(key))
	} else {
		b.path, err = k.fetch(ctx, key, f)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return beginning{}, noPoint(key, "")
	}
	if err != nil {
		return beginning{}, unshared(ctx, err)
	}
	return b, nil
}

// newest finds the newest image of a key, and reports false where there is none.
// It changes nothing.
func (k *Keeper) newest(ctx context.Context, key string) (found, bool, error) {
	if k.c.Shared == nil {
		n, known := k.vault.read(key)
		return found{here: true, base: n.Base, behind: n.Behind}, known && n.Gone == "", nil
	}
	f, err := k.latestBefore(ctx, key, lastTerm)
	return f, f.term != "", err
}

// establish makes an image the newest of a key, on all nodes. The caller has the
// turn; what lives is ended.
func (k *Keeper) establish(ctx context.Context, e *entry, b beginning) error {
	n := note{Base: b.base, Used: k.c.Clock.Now(), Behind: b.behind}
	if k.c.Shared != nil {
		var err error
		if n.Term, err = k.establishShared(ctx, e.key, b); err != nil {
			return unshared(ctx, err)
		}
		n.Step = firstStep
	}
	if e.saves != nil {
		e.saves.drop()
	}
	if err := e.close(); err != nil {
		k.c.Logger.WarnContext(ctx, "closing a Python session failed", "key", e.key, "error", err)
	}
	if b.path == "" {
		return k.vault.forget(e.key)
	}
	// What there is does not pass for what is asked for, and the other way round,
	// should the service end in between.
	if old, known := k.vault.read(e.key); known && old.Gone == "" {
		old.Behind = goneUnsaved
		if err := k.vault.write(e.key, old); err != nil {
			return err
		}
	}
	if b.point != "" {
		k.keepForked(ctx, e.key, n, b)
	}
	return k.vault.commit(e.key, b.path, n)
}

// keepForked keeps the image that a fork begins with as the point that it is of the
// other key's. The file may be the other's own, so its age stays.
func (k *Keeper) keepForked(ctx context.Context, key string, n note, b beginning) {
	made := n.Used
	if file, err := os.Stat(b.path); err == nil {
		made = file.ModTime()
	}
	k.keepPoint(ctx, key, b.path, n, shot{point: b.point, made: made})
}

// firstStep is what putting an image in place counts as in its term, in which no
// program runs.
const firstStep = 1

// establishShared does so in the shared store, in a term of its own. Until the last
// blob is put the variables are still what they were; with it they are the others.
func (k *Keeper) establishShared(ctx context.Context, key string, b beginning) (string, error) {
	mine, err := k.claimTerm(ctx, key, b.base)
	if err != nil {
		return "", err
	}
	if b.path == "" {
		err = k.putJSON(ctx, blob(key, mine, fromBlob), from{})
	} else {
		begun := firstStep
		if b.behind != "" {
			begun++ // of which there is no image
		}
		if b.point != "" {
			err = k.putJSON(ctx, blob(key, mine, numbered(pointBlob, firstStep)+"-"+b.point), claim{Base: b.base})
		}
		if err == nil {
			err = k.putImage(ctx, blob(key, mine, numbered(imageBlob, firstStep)), b.path)
		}
		if err == nil {
			err = k.c.Shared.Put(ctx, blob(key, mine, numbered(stepBlob, begun)), strings.NewReader(b.behind))
		}
	}
	if err != nil {
		return "", err
	}
	terms, err := k.terms(ctx, key)
	if err == nil && !inForce(terms, mine) {
		err = errors.New("another node has begun a session meanwhile")
	}
	return mine, err
}

func (k *Keeper) putImage(ctx context.Context, name, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	return k.c.Shared.Put(ctx, name, reader{ctx, f})
}

func noPoint(key, name string) error {
	return fmt.Errorf("the variables of %s at %q: %w", key, name, execution.ErrNoPoint)
}
