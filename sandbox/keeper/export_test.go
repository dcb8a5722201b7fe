package keeper

import (
	"context"
	"runtime"
)

// Sweep does now what is done every half minute.
func (k *Keeper) Sweep(ctx context.Context) { k.sweep(ctx) }

// Live is how many sessions live that nobody uses.
func (k *Keeper) Live() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.idle)
}

// Entries is how many keys are remembered in memory.
func (k *Keeper) Entries() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return len(k.entries)
}

// AwaitSaved waits until nothing of an open session is left to be saved.
func (k *Keeper) AwaitSaved(ctx context.Context, key string) bool {
	k.mu.Lock()
	e := k.entries[key]
	k.mu.Unlock()
	return e != nil && e.saves.wait(ctx)
}

// AwaitTurns waits until the work that follows a use is done.
func (k *Keeper) AwaitTurns() { k.settle(context.Background()) }

// AwaitUsers waits until so many use a key or wait for it.
func (k *Keeper) AwaitUsers(key string, n int) {
	for {
		k.mu.Lock()
		e := k.entries[key]
		there := e != nil && e.users == n
		k.mu.Unlock()
		if there {
			return
		}
		runtime.Gosched()
	}
}

// AwaitShared waits until nothing of a key is on its way to the shared store.
func (k *Keeper) AwaitShared(key string) {
	k.uploads.mu.Lock()
	going := k.uploads.byKey[key]
	k.uploads.mu.Unlock()
	if going != nil {
		<-going.done
	}
}

// AwaitSealing waits until nothing of an open session waits to be sealed: what is
// being sealed is all there is.
func (k *Keeper) AwaitSealing(key string) {
	k.await(key, func(s *saves) bool { return s.sealing && len(s.pending) == 0 })
}

// AwaitTaken waits until the snapshots of all steps of an open session are taken.
func (k *Keeper) AwaitTaken(key string) {
	k.await(key, func(s *saves) bool { return !s.going })
}

func (k *Keeper) await(key string, is func(*saves) bool) {
	k.mu.Lock()
	s := k.entries[key].saves
	k.mu.Unlock()
	s.until(context.Background(), func() bool { return is(s) })
}
