package keeper

import (
	"context"
	"fmt"
	"os"
	"slices"
	"sync"
	"time"
)

const (
	markTime   = 10 * time.Second // for a blob of no size
	uploadTime = 10 * time.Minute // for an image, most of which are some 40 MB
)

// uploads brings images to the shared store beside everything else: of each key
// one at a time, and of those that wait the latest and the points.
type uploads struct {
	keeper *Keeper
	mu     sync.Mutex // protects the rest
	byKey  map[string]*upload
	closed bool
}

type upload struct {
	wait   []*parcel // guarded by uploads.mu
	cancel context.CancelFunc
	done   chan struct{}
}

// parcel is an image that is to be shared.
type parcel struct {
	file  *os.File // stays the same when the vault's becomes another
	base  string
	term  string
	step  int
	point string // that it is as well; "": it is none
}

// send takes the image that the vault holds of a key, as its note says, and which
// point that is.
func (u *uploads) send(key string, n note, point string) error {
	file, err := os.Open(u.keeper.vault.image(key))
	if err != nil {
		return err
	}
	p := &parcel{file: file, base: n.Base, term: n.Term, step: n.Step, point: point}
	u.mu.Lock()
	defer u.mu.Unlock()
	if u.closed {
		return file.Close() // this node's own image is there at its next start
	}
	if going := u.byKey[key]; going != nil {
		going.add(p, u.keeper.c.Limits.Points)
		return nil
	}
	ctx, cancel := context.WithCancel(context.Background())
	going := &upload{wait: []*parcel{p}, cancel: cancel, done: make(chan struct{})}
	u.byKey[key] = going
	go u.run(ctx, key, going)
	return nil
}

// add has an image wait, in place of the latest of those that wait if that is no
// point; of too many points the oldest is left out.
func (u *upload) add(p *parcel, most int) {
	at := -1
	switch last := len(u.wait) - 1; {
	case last >= 0 && u.wait[last].point == "":
		at = last
	case last+1 >= most:
		at = 0
	}
	if at >= 0 {
		_ = u.wait[at].file.Close() // it was only read
		u.wait = slices.Delete(u.wait, at, at+1)
	}
	u.wait = append(u.wait, p)
}

func (u *uploads) run(ctx context.Context, key string, going *upload) {
	defer close(going.done)
	for {
		u.mu.Lock()
		if len(going.wait) == 0 {
			delete(u.byKey, key)
			u.mu.Unlock()
			going.cancel()
			return
		}
		p := going.wait[0]
		going.wait = going.wait[1:]
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
	put := []string{name}
	if p.point != "" {
		as := blob(key, p.term, numbered(pointBlob, p.step)+"-"+p.point)
		if err := k.putJSON(ctx, as, claim{Base: p.base}); err != nil {
			return err
		}
		put = append(put, as)
	}
	if err := k.c.Shared.Put(ctx, name, p.file); err != nil {
		return err
	}
	terms, err := k.terms(ctx, key)
	if err != nil {
		return fmt.Errorf("tidy: %w", err)
	}
	if own := named(terms, p.term); own == nil || !own.claimed { // the key was erased on another node
		return k.remove(ctx, put)
	}
	return k.remove(ctx, k.superfluous(key, terms))
}

// superfluous returns the names of what nobody will look for, because there are too
// many points, or because the term in force has an image. Of a term before that
// nothing but points is removed while there is none: the process in force may have
// begun with any of it.
func (k *Keeper) superfluous(key string, terms []*term) (names []string) {
	names = excess(terms, k.c.Limits.Points)
	last, before := latest(terms)
	if last == nil {
		return names
	}
	image := last.image(last.steps)
	if image == 0 {
		return names
	}
	for _, t := range before {
		for _, name := range t.blobs {
			if !t.ofPoint(key, name) {
				names = append(names, name)
			}
		}
	}
	for _, name := range last.blobs {
		for _, kind := range []string{stepBlob, imageBlob} {
			if name < blob(key, last.name, numbered(kind, image)) && name >= blob(key, last.name, kind) && !last.ofPoint(key, name) {
				names = append(names, name)
			}
		}
	}
	return names
}
