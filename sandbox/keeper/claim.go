package keeper

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"strings"

	"github.com/mark-analyst/mark/internal/execution"
)

// mostTries bounds how often a node looks again because another one has changed
// what it was looking at: more than a few times says that something is wrong.
const mostTries = 10

// checkLive ends a live session whose key another node has worked on since.
func (k *Keeper) checkLive(ctx context.Context, e *entry) error {
	terms, err := k.terms(ctx, e.key)
	if err != nil {
		return unshared(ctx, err)
	}
	if last, _ := latest(terms); last != nil && last.name == e.saves.term {
		return nil
	}
	k.abandon(ctx, e)
	return nil
}

// abandon ends a live session whose variables are not the key's any more.
func (k *Keeper) abandon(ctx context.Context, e *entry) {
	k.c.Logger.InfoContext(ctx, "a Python session has gone on on another node", "key", e.key)
	e.saves.drop()
	if err := e.close(); err != nil {
		k.c.Logger.WarnContext(ctx, "closing a Python session failed", "key", e.key, "error", err)
	}
}

// begin claims a new term for a key and makes this node's vault hold the latest of
// the variables of all nodes, or the reason why there are none. It returns the
// term. No session of the key lives here, and nothing of it is being saved.
func (k *Keeper) begin(ctx context.Context, key string) (string, error) {
	mine, err := k.claimTerm(ctx, key, k.base())
	for try := 0; err == nil && try < mostTries; try++ {
		var f found
		if f, err = k.latestBefore(ctx, key, mine); err != nil {
			break
		}
		if err = k.lay(ctx, key, f); errors.Is(err, fs.ErrNotExist) {
			err = nil // its node has saved a later one meanwhile
			continue
		}
		if err == nil {
			err = k.putJSON(ctx, blob(key, mine, fromBlob), from{Term: f.term, Step: f.step, Behind: f.behind, Gone: f.gone})
		}
		if err == nil {
			return mine, nil
		}
	}
	if err == nil {
		err = errors.New("another node changes it all the time")
	}
	return "", unshared(ctx, err)
}

// base is what the images that are made now can be resumed on.
func (k *Keeper) base() string {
	if k.keeping == nil {
		return ""
	}
	return k.keeping.Base()
}

// claimTerm makes a term of this node's the one in force, whose images can be
// resumed on a base.
func (k *Keeper) claimTerm(ctx context.Context, key, base string) (string, error) {
	for range mostTries {
		terms, err := k.terms(ctx, key)
		if err != nil {
			return "", err
		}
		if len(terms) == 0 {
			if err := k.adopt(key); err != nil {
				return "", err
			}
		}
		name := ""
		if len(terms) > 0 {
			name = terms[len(terms)-1].name
		}
		mine := after(name)
		if err := k.putJSON(ctx, blob(key, mine, claimBlob), claim{Base: base}); err != nil {
			return "", err
		}
		if terms, err = k.terms(ctx, key); err != nil {
			return "", err
		}
		if last, _ := latest(terms); last != nil && last.name == mine {
			return mine, nil
		}
	}
	return "", errors.New("other nodes claim it all the time")
}

// firstTerm begins the names of terms that are before all that are claimed.
const firstTerm = "000000000000-"

// lastTerm is after the names of all terms.
const lastTerm = "~"

// adopt gives an image from before there was a shared store a term of its own.
func (k *Keeper) adopt(key string) error {
	n, known := k.vault.read(key)
	if !known || n.Gone != "" || n.Term != "" {
		return nil
	}
	n.Term, n.Step = firstTerm+strings.ToLower(rand.Text()), 1
	return k.vault.write(key, n)
}

// latestBefore returns the latest of a key's variables when a term began.
func (k *Keeper) latestBefore(ctx context.Context, key, mine string) (found, error) {
	terms, err := k.terms(ctx, key)
	if err != nil {
		return found{}, err
	}
	s := &search{keeper: k, key: key}
	n, known := k.vault.read(key)
	if known && n.Gone == "" {
		s.own = &n
	}
	i := 0
	for i < len(terms) && terms[i].name < mine {
		i++
	}
	last, before := latest(terms[:i])
	switch {
	case last != nil:
		return s.resolve(ctx, last, before)
	case s.own != nil && strings.HasPrefix(s.own.Term, firstTerm): // from before there was a shared store
		return found{term: n.Term, step: n.Step, here: true, base: n.Base, behind: n.Behind}, nil
	case known && n.Gone != "":
		return found{gone: n.Gone}, nil
	case known: // the shared store has lost what it knew, and who knows which other node knew more
		return found{gone: goneDamaged}, nil
	}
	return found{}, nil
}

// lay makes the vault hold what was found. fs.ErrNotExist is in the error where
// the image is not in the shared store any more.
func (k *Keeper) lay(ctx context.Context, key string, f found) error {
	n := note{Base: f.base, Used: k.c.Clock.Now(), Gone: f.gone, Behind: f.behind, Term: f.term, Step: f.step}
	switch {
	case f.term == "" && f.gone == "":
		return k.vault.forget(key)
	case f.gone != "":
		if k.keeping == nil {
			f.gone = goneEnded // there never are images
		}
		return k.vault.drop(key, n, f.gone)
	case f.here:
		return k.vault.write(key, n)
	}
	path, err := k.fetch(ctx, key, f)
	if err != nil {
		return err
	}
	if err := k.vault.commit(key, path, n); err != nil {
		k.vault.clear(path)
		return err
	}
	return nil
}

// fetch copies an image from the shared store to a file of the vault's.
func (k *Keeper) fetch(ctx context.Context, key string, f found) (path string, err error) {
	image, err := k.c.Shared.Get(ctx, blob(key, f.term, numbered(imageBlob, f.step)))
	if err != nil {
		return "", err
	}
	defer image.Close()
	to, err := os.CreateTemp(k.vault.dir, tempPrefix)
	if err != nil {
		return "", err
	}
	_, err = io.Copy(to, reader{ctx, image})
	if err = errors.Join(err, to.Close()); err != nil {
		k.vault.clear(to.Name())
		return "", err
	}
	return to.Name(), nil
}

func unshared(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return cancelled(ctx.Err())
	}
	return unavailable(fmt.Errorf("the shared store: %w", err))
}

// mark notes in the shared store that a step is begun, beside the step. What it
// returns waits for that: the step's end must not be told before, for the next may
// be on another node.
func (k *Keeper) mark(ctx context.Context, h *held) (noted func() error) {
	if k.c.Shared == nil || h.dead {
		return func() error { return nil }
	}
	e := h.entry
	name := blob(e.key, e.saves.term, numbered(stepBlob, e.saves.next()))
	done := make(chan error, 1)
	ctx = context.WithoutCancel(ctx) // the end of a step that was stopped is told, too
	go func() {
		ctx, cancel := context.WithTimeout(ctx, markTime)
		defer cancel()
		done <- k.c.Shared.Put(ctx, name, strings.NewReader(""))
	}()
	return func() error {
		err := <-done
		if err == nil {
			return nil
		}
		return &execution.Error{
			Code: execution.CodeUnavailable, Fatal: true, Err: fmt.Errorf("note a step in the shared store: %w", err),
			Message: "What this step computed could not be kept, because the store of the service's files does not answer. Try again.",
		}
	}
}

// endedShared notes that the step that was begun last has ended the session.
func (k *Keeper) endedShared(ctx context.Context, e *entry) {
	name := blob(e.key, e.saves.term, numbered(stepBlob, e.saves.next()))
	ctx, cancel := context.WithTimeout(ctx, markTime)
	defer cancel()
	if err := k.c.Shared.Put(ctx, name, strings.NewReader(goneEnded)); err != nil {
		k.c.Logger.WarnContext(ctx, "the end of a Python session could not be noted", "key", e.key, "error", err)
	}
}
