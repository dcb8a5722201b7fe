package keeper

import (
	"context"
	"fmt"
	"os"
	"sync"
	"time"
)

const (
	markTime   = 10 * time.Second // for a blob of no size
	uploadTime = 10 * time.Minute // for an image, most of which are some 40 MB
)

// uploads brings images to the shared store beside everything else: of each key
// one at a time, and of those that wait the latest.
type uploads struct {
	keeper *Keeper
	mu     sync.Mutex // protects the rest
	byKey  map[string]*upload
	closed bool
}

type upload struct {
	next   *parcel // guarded by uploads.mu
	cancel context.CancelFunc
	done   chan struct{}
}

// parcel is an image that is to be shared.
type parcel struct {
	file *os.File // stays the same when the vault's becomes another
	term string
	step int
}

// send takes the image that the vault holds of a key, as its note says.
func (u *uploads) send(key string, n note) error {
	file, err := os.Open(u.keeper.vault.image(key))
	if err != nil {
		return err
	}
	p := &parcel{file: file, term: n.Term, step: n.Step}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.closed {
		return file.Close() // this node's own image is there at its next start
	}
	if going := u.byKey[key]; going != nil {
		if going.next != nil {
			_ = going.next.file.Close() // it was only read
		}
		going.next = p
		return nil
	}
	ctx, cancel := context.WithCancel(context.Background())
	going := &upload{next: p, cancel: cancel, done: make(chan struct{})}
	u.byKey[key] = going
	go u.run(ctx, key, going)
	return nil
}

func (u *uploads) run(ctx context.Context, key string, going *upload) {
	defer close(going.done)
	for {
		u.mu.Lock()
		p := going.next
		going.next = nil
		if p == nil {
			delete(u.byKey, key)
			u.mu.Unlock()
			going.cancel()
			return
		}
		u.mu.Unlock()
		err := ctx.Err()
		if err == nil {
			err = u.keeper.share(ctx, key, p)
		}
		_ = p.file.Close() // it was only read
		if err != nil && ctx.Err() == nil {
			u.keeper.c.Logger.WarnContext(ctx, "the variables of a Python session could not be shared", "key", key, "error", err)
		}
	}
}

// drop ends the upload of a key, and returns when nothing of it will come any more.
func (u *uploads) drop(ctx context.Context, key string) error {
	u.mu.Lock()
	going := u.byKey[key]
	u.mu.Unlock()
	if going == nil {
		return nil
	}
	going.cancel()
	select {
	case <-going.done:
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}

// close waits for the uploads that go on, for as long as ctx lets it, and begins
// no more.
func (u *uploads) close(ctx context.Context) error {
	u.mu.Lock()
	u.closed = true
	left := make([]*upload, 0, len(u.byKey))
	for _, going := range u.byKey {
		left = append(left, going)
	}
	u.mu.Unlock()
	for _, going := range left {
		select {
		case <-going.done:
		case <-ctx.Done():
		}
		going.cancel()
	}
	return ctx.Err()
}

// share brings an image to the shared store and removes what it makes superfluous.
func (k *Keeper) share(ctx context.Context, key string, p *parcel) error {
	ctx, cancel := context.WithTimeout(ctx, uploadTime)
	defer cancel()
	name := blob(key, p.term, numbered(imageBlob, p.step))
	if err := k.c.Shared.Put(ctx, name, p.file); err != nil {
		return err
	}
	terms, err := k.terms(ctx, key)
	if err != nil {
		return fmt.Errorf("tidy: %w", err)
	}
	if own := named(terms, p.term); own == nil || !own.claimed { // the key was erased on another node
		return k.c.Shared.Delete(ctx, name)
	}
	return k.remove(ctx, superfluous(key, terms))
}

// superfluous returns the names of what nobody will look for, because the term in
// force has an image. Of a term before that nothing is removed while there is none:
// the process in force may have begun with any of it.
func superfluous(key string, terms []*term) (names []string) {
	last, before := latest(terms)
	if last == nil {
		return nil
	}
	image := last.image(last.steps)
	if image == 0 {
		return nil
	}
	for _, t := range before {
		names = append(names, t.blobs...)
	}
	for _, name := range last.blobs {
		for _, kind := range []string{stepBlob, imageBlob} {
			if name < blob(key, last.name, numbered(kind, image)) && name >= blob(key, last.name, kind) {
				names = append(names, name)
			}
		}
	}
	return names
}
