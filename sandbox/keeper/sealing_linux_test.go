package keeper_test

import (
	"context"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mark-analyst/mark/internal/execution"
)

// stuck is a provider whose first snapshot holds a pipe: reading it, and so the
// sealing, waits until somebody opens its other end.
type stuck struct {
	*fake
	once sync.Once
	pipe chan string // its path
}

type stuckSession struct {
	*fakeSession
	stuck *stuck
}

func (s *stuck) Open(ctx context.Context, spec execution.Spec) (execution.Session, error) {
	session, err := s.fake.Open(ctx, spec)
	if err != nil {
		return nil, err
	}
	return stuckSession{session.(*fakeSession), s}, nil
}

func (s stuckSession) Snapshot(ctx context.Context, folder string) (err error) {
	s.stuck.once.Do(func() {
		path := filepath.Join(folder, "pipe")
		err = unix.Mkfifo(path, 0o600)
		s.stuck.pipe <- path
	})
	if err != nil {
		return err
	}
	return s.fakeSession.Snapshot(ctx, folder)
}

func TestAStepDoesNotWaitForTheSealingOfAnImage(t *testing.T) {
	provider := &stuck{fake: &fake{}, pipe: make(chan string, 1)}
	b := newBenchOver(t, provider, nil)
	s := b.open("cht_1", isNew)
	ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
	defer cancel()
	for i, code := range []string{"one", "two", "three", "four"} {
		if _, err := s.Run(ctx, code, execution.Host{}); err != nil {
			t.Fatal(err)
		}
		if i == 0 { // otherwise the second may take its place before it is sealed
			b.keeper.AwaitSealing("cht_1")
		}
	}
	if ctx.Err() != nil {
		t.Error("a step waited for the sealing of the first snapshot")
	}
	other, err := os.OpenFile(<-provider.pipe, os.O_WRONLY, 0)
	if err != nil {
		t.Fatal(err)
	}
	if err := other.Close(); err != nil {
		t.Fatal(err)
	}
	if !b.keeper.AwaitSaved(t.Context(), "cht_1") {
		t.Error("the last step is not saved")
	}
	if err := s.Close(); err != nil {
		t.Fatal(err)
	}
	b.stop()
	b.start()
	b.use("cht_1", isKept, "?", "four")
	b.keeper.AwaitSaved(t.Context(), "cht_1") // of the last use
	if names := b.left(); len(names) != 2 {
		t.Errorf("left are %v", names)
	}
}
