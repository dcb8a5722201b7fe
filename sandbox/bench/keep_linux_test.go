package bench_test

import (
	"context"
	"log/slog"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/mark-analyst/mark/internal/clock"
	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/sandbox"
	"github.com/mark-analyst/mark/sandbox/gvisor"
	"github.com/mark-analyst/mark/sandbox/keeper"
)

// thought is how long a model takes, at the least, to ask for its next step.
const thought = time.Second

// use looks at variables that were kept.
const use = "print(big.groupby('k')['v'].mean().sum())"

// keeping measures what it costs that variables outlive their process.
func (t *table) keeping(b *testing.B) {
	p := provider(b, 0)
	t.resumePlain(b, p)
	t.resumeKept(b, p)
	t.between(b, p)
	t.goBack(b, p)
	if err := p.Close(); err != nil {
		b.Error(err)
	}
}

func (t *table) resumePlain(b *testing.B, p *gvisor.Provider) {
	dir := b.TempDir()
	first := open(b, p)
	says(b, first, bigFrame)
	says(b, first, use)
	snapshotted := time.Now()
	if err := first.(sandbox.Snapshotter).Snapshot(b.Context(), dir); err != nil {
		b.Fatal(err)
	}
	took := time.Since(snapshotted)
	end(b, first)
	var opened, used spread
	for range rounds {
		begun := time.Now()
		s, err := p.Resume(b.Context(), execution.Spec{}, func(context.Context) (string, error) { return dir, nil })
		if err != nil {
			b.Fatal(err)
		}
		says(b, s, "print(len(big))")
		opened = append(opened, time.Since(begun))
		says(b, s, use)
		used = append(used, time.Since(begun))
		end(b, s)
	}
	t.add(b, "snapshot of a session with 1e6 rows, plain (once)", spread{took}, against{}, goal{})
	t.add(b, "variables back (1e6 rows), plain image, to the first output", opened, against{}, goal{p50: 350 * time.Millisecond})
	t.add(b, "… to a group-by over all of them", used, against{}, goal{})
}

// keep returns a keeper over a folder.
func keep(b *testing.B, p *gvisor.Provider, dir string) *keeper.Keeper {
	b.Helper()
	k, err := keeper.New(keeper.Config{
		Provider: p, Dir: filepath.Join(dir, "sessions"), KeyFile: filepath.Join(dir, "key"),
		Clock: clock.System{}, Logger: slog.New(slog.NewTextHandler(os.Stderr, nil)),
	})
	if err != nil {
		b.Fatal(err)
	}
	return k
}

func openKept(b *testing.B, k *keeper.Keeper, from execution.OriginState) execution.Session {
	b.Helper()
	s, origin, err := k.Open(b.Context(), "bench", execution.Spec{})
	if err != nil || origin.State != from {
		b.Fatalf("%v, %+v", err, origin)
	}
	return s
}

func (t *table) resumeKept(b *testing.B, p *gvisor.Provider) {
	dir := b.TempDir()
	k := keep(b, p, dir)
	s := openKept(b, k, execution.OriginNew)
	says(b, s, bigFrame)
	end(b, s)
	if err := k.Close(b.Context()); err != nil {
		b.Fatal(err)
	}
	info, err := os.Stat(filepath.Join(dir, "sessions", "bench.age"))
	if err != nil {
		b.Fatal(err)
	}
	size := info.Size()
	var opened, suspended spread
	for range rounds {
		k := keep(b, p, dir) // as after a restart of the service
		begun := time.Now()
		s := openKept(b, k, execution.OriginKept)
		says(b, s, "print(len(big))")
		opened = append(opened, time.Since(begun))
		end(b, s)
		begun = time.Now()
		if err := k.Close(b.Context()); err != nil {
			b.Fatal(err)
		}
		suspended = append(suspended, time.Since(begun))
	}
	t.add(b, "variables back (1e6 rows), compressed and encrypted, to the first output", opened, against{}, goal{p50: 600 * time.Millisecond})
	t.add(b, "a step's snapshot, compressed and encrypted, and the end of the session", suspended, against{}, goal{})
	t.note("such an image on disk", ms(time.Duration(size)*time.Millisecond/1e6)+" MB", "")
}

// between measures a step after a pause, with and without the snapshot that is
// taken in the pause.
func (t *table) between(b *testing.B, p *gvisor.Provider) {
	k := keep(b, p, b.TempDir())
	kept, plain := openKept(b, k, execution.OriginNew), open(b, p)
	says(b, kept, bigFrame)
	says(b, plain, bigFrame)
	step := func(s execution.Session) time.Duration {
		time.Sleep(thought)
		begun := time.Now()
		says(b, s, "print(len(big))")
		return time.Since(begun)
	}
	var with, without, added spread
	for range rounds {
		with = append(with, step(kept))
		without = append(without, step(plain))
		added = append(added, with[len(with)-1]-without[len(without)-1])
	}
	end(b, kept)
	end(b, plain)
	if err := k.Close(b.Context()); err != nil {
		b.Error(err)
	}
	t.add(b, "a step after 1 s of thought, session not kept", without, against{}, goal{})
	t.add(b, "a step after 1 s of thought, snapshot taken in it", with, against{"not kept", without.at(0.5)}, goal{})
	t.add(b, "what the snapshot adds to the step", added, against{}, goal{p50: 5 * time.Millisecond})
}
