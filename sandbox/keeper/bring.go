package keeper

import (
	"context"
	"errors"
	"fmt"

	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/sandbox"
)

// Why a key's variables are gone: what a note holds, and what a person is told.
const (
	goneBase    = "base"
	goneDamaged = "damaged"
	goneAge     = "age"
	goneRoom    = "room"
	goneUnsaved = "unsaved"
	goneEnded   = "ended"
)

// behind are the sentences of an image that lacks the last step.
var behind = map[string]string{
	goneEnded:   "The last step ended the Python session; its variables are those from before that step.",
	goneUnsaved: "What was done last could not be saved; the variables are those from before.",
}

var reasons = map[string]string{
	goneBase:    "Mark's Python or the kind of its machine has changed since, and what was kept does not fit the new one.",
	goneDamaged: "What was kept of them is damaged.",
	goneAge:     "They had not been used for too long.",
	goneRoom:    "There was no more room to keep them.",
	goneUnsaved: "They could not be saved.",
	goneEnded:   "They lived only as long as their Python session, which has ended.",
}

func lost(gone string) execution.Origin {
	reason, ok := reasons[gone]
	if !ok {
		reason = reasons[goneDamaged]
	}
	return execution.Origin{State: execution.OriginLost, Reason: reason}
}

// bring makes e.live a session with the files of spec. The caller has the turn.
func (k *Keeper) bring(ctx context.Context, e *entry, spec execution.Spec) (execution.Origin, error) {
	if e.live != nil && k.c.Shared != nil {
		if err := k.checkLive(ctx, e); err != nil {
			return e.origin, err
		}
	}
	if e.live != nil {
		there, err := k.enter(ctx, e, spec)
		if err != nil || there {
			return e.origin, err
		}
	}
	origin := execution.Origin{State: execution.OriginNew}
	if e.saves != nil { // what a session that is gone still leaves
		if e.saves.wait(ctx); ctx.Err() != nil {
			return origin, cancelled(ctx.Err())
		}
	}
	term := ""
	if k.c.Shared != nil {
		var err error
		if term, err = k.begin(ctx, e.key); err != nil {
			return origin, err
		}
	}
	n, known := k.vault.read(e.key)
	gone := n.Gone
	if known && gone == "" {
		var err error
		if gone, err = k.resume(ctx, e, spec, n, term); err != nil {
			return origin, err
		}
		if gone == "" {
			e.origin = k.resumed(ctx, e.key, n)
			return e.origin, nil
		}
	}
	live, err := k.c.Provider.Open(ctx, spec)
	if err != nil {
		return origin, err
	}
	if known {
		origin = lost(gone)
	}
	if known && n.Gone == "" { // not sooner: where nothing can be opened, it is not the image's fault
		if err := k.vault.drop(e.key, n, gone); err != nil {
			k.c.Logger.WarnContext(ctx, "a snapshot that is worthless stays", "key", e.key, "error", err)
		}
	}
	e.begin(live, spec, term, origin)
	return origin, nil
}

// resumed notes that a key's image is in use, and tells what it holds.
func (k *Keeper) resumed(ctx context.Context, key string, n note) execution.Origin {
	origin := execution.Origin{State: execution.OriginKept}
	if n.Behind != "" {
		origin = execution.Origin{State: execution.OriginEarlier, Reason: behind[n.Behind]}
	}
	n.Used = k.c.Clock.Now() // what it lacks, it lacks until another is saved
	if err := k.vault.write(key, n); err != nil {
		k.c.Logger.WarnContext(ctx, "the note of a snapshot could not be written", "key", key, "error", err)
	}
	return origin
}

// enter gives a live session the files of spec. It reports false where there is
// no live session any more, and its variables are to be had from the vault.
func (k *Keeper) enter(ctx context.Context, e *entry, spec execution.Spec) (bool, error) {
	live, ok := e.live.(sandbox.Snapshotter)
	if k.keeping == nil || !ok {
		if sameFiles(e.files, spec.Files) {
			return true, nil
		}
		return false, k.setAside(ctx, e)
	}
	fits, err := live.Enter(ctx, spec.Files)
	failure := (*execution.Error)(nil)
	known := errors.As(err, &failure)
	switch {
	case err == nil && fits:
		e.files = spec.Files
		return true, nil
	case err == nil:
		return false, k.setAside(ctx, e)
	case known && failure.Fatal:
		// It ended since its last step, which was saved or whose note says that
		// it was not.
		k.c.Logger.InfoContext(ctx, "a live Python session could not be used", "key", e.key, "error", err)
		if err := e.close(); err != nil {
			k.c.Logger.WarnContext(ctx, "closing a Python session failed", "key", e.key, "error", err)
		}
		return false, nil
	case known: // it lives, but cannot be given those files
		return false, failure
	case ctx.Err() != nil:
		return false, cancelled(err)
	}
	return false, unavailable(err)
}

// setAside suspends a live session for another to go on in its place.
func (k *Keeper) setAside(ctx context.Context, e *entry) error {
	err := k.suspend(ctx, e)
	if e.live != nil {
		return cancelled(err)
	}
	if err != nil {
		k.c.Logger.WarnContext(ctx, "closing a Python session failed", "key", e.key, "error", err)
	}
	return nil
}

// resume makes e.live of a key's image. It returns why that cannot be done ever, or
// an error where it cannot be done now.
func (k *Keeper) resume(ctx context.Context, e *entry, spec execution.Spec, n note, term string) (gone string, err error) {
	if k.keeping == nil {
		return goneEnded, nil
	}
	switch base := k.keeping.Base(); {
	case base == "": // it refuses to work, and says why
		_, err := k.keeping.Open(ctx, spec)
		return "", err
	case n.Base != base:
		return goneBase, nil
	}
	live, err := k.resumeOnce(ctx, e.key, spec)
	if errors.Is(err, sandbox.ErrSnapshot) && ctx.Err() == nil {
		// A machine that has run out of memory, or is too busy, ends what has just
		// begun, too. Only what fails twice is the snapshot's own.
		k.c.Logger.WarnContext(ctx, "a Python session could not be resumed; trying again", "key", e.key, "error", err)
		live, err = k.resumeOnce(ctx, e.key, spec)
	}
	if err == nil {
		e.begin(live, spec, term, execution.Origin{})
		return "", nil
	}
	switch known := (*execution.Error)(nil); {
	case ctx.Err() != nil:
		return "", cancelled(err)
	case errors.Is(err, errDamaged), errors.Is(err, sandbox.ErrSnapshot):
		k.c.Logger.WarnContext(ctx, "a Python session could not be resumed", "key", e.key, "error", err)
		return goneDamaged, nil
	case errors.As(err, &known):
		return "", known
	}
	return "", unavailable(err)
}

func (k *Keeper) resumeOnce(ctx context.Context, key string, spec execution.Spec) (execution.Session, error) {
	folder := ""
	defer func() { k.vault.clear(folder) }()
	return k.keeping.Resume(ctx, spec, func(ctx context.Context) (string, error) {
		var err error
		if folder, err = k.vault.temp(); err == nil {
			err = k.vault.unseal(ctx, key, folder)
		}
		if err != nil && !errors.Is(err, errDamaged) {
			err = unavailable(err)
		}
		return folder, err
	})
}

func cancelled(err error) error {
	return &execution.Error{
		Code: execution.CodeCancelled, Fatal: true, Err: err,
		Message: "The step was stopped before its Python session was ready.",
	}
}

func unavailable(err error) error {
	return &execution.Error{
		Code: execution.CodeUnavailable, Fatal: true, Err: fmt.Errorf("resume a session: %w", err),
		Message: "The variables of this chat could not be read back just now. Try again.",
	}
}

func sameFiles(a, b []execution.File) bool {
	if len(a) != len(b) {
		return false
	}
	for i := range a {
		if a[i] != b[i] {
			return false
		}
	}
	return true
}
