package keeper_test

import (
	"context"
	"errors"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/mark-analyst/mark/internal/clock"
	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/sandbox"
	"github.com/mark-analyst/mark/sandbox/gvisor/gvisortest"
	"github.com/mark-analyst/mark/sandbox/keeper"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// bench is a keeper over the real sandbox, with a clock of its own.
type bench struct {
	t      *testing.T
	config keeper.Config
	keeper *keeper.Keeper
	now    atomic.Int64 // nanoseconds that the clock is ahead
}

func newBench(t *testing.T, change func(*keeper.Config)) *bench {
	t.Helper()
	return newBenchOver(t, gvisortest.Provider(t), change)
}

func newBenchOver(t *testing.T, provider sandbox.Provider, change func(*keeper.Config)) *bench {
	t.Helper()
	b := &bench{t: t}
	dir := t.TempDir()
	b.config = keeper.Config{
		Provider: provider, Dir: filepath.Join(dir, "snapshots"), KeyFile: filepath.Join(dir, "keys", "snapshots.key"),
		Clock:  clock.Func(func() time.Time { return time.Now().Add(time.Duration(b.now.Load())) }),
		Logger: slog.New(slog.DiscardHandler),
	}
	if change != nil {
		change(&b.config)
	}
	b.start()
	t.Cleanup(func() { b.stop() })
	return b
}

func (b *bench) start() {
	b.t.Helper()
	var err error
	if b.keeper, err = keeper.New(b.config); err != nil {
		b.t.Fatal(err)
	}
}

func (b *bench) stop() {
	b.t.Helper()
	if err := b.keeper.Close(context.Background()); err != nil {
		b.t.Error(err)
	}
}

func (b *bench) later(d time.Duration) { b.now.Add(int64(d)) }

// open opens a key's session, which has to be of the given origin.
func (b *bench) open(key string, want execution.OriginState, files ...execution.File) execution.Session {
	b.t.Helper()
	s, origin, err := b.keeper.Open(b.t.Context(), key, execution.Spec{Files: files})
	if err != nil {
		b.t.Fatal(err)
	}
	if origin.State != want || (origin.Reason == "") != (want == execution.OriginNew || want == execution.OriginKept) {
		b.t.Errorf("the origin is %+v, want state %d", origin, want)
	}
	return s
}

// runs runs code in a session and returns what it printed and its failure's name.
func runs(t *testing.T, s execution.Session, code string) string {
	t.Helper()
	return runsTo(t, s, "", code)
}

// runsTo does so in a step whose end is a point.
func runsTo(t *testing.T, s execution.Session, point, code string) string {
	t.Helper()
	var out strings.Builder
	result, err := s.Run(t.Context(), code, execution.Host{Point: point, Emit: func(e execution.Event) {
		if e.Chunk != nil && e.Chunk.Stream == execution.Stdout {
			out.WriteString(e.Chunk.Text)
		}
	}})
	if failure := (*execution.Error)(nil); errors.As(err, &failure) {
		return string(failure.Code)
	}
	if err != nil {
		t.Fatal(err)
	}
	if result.Failure != nil {
		return result.Failure.Name
	}
	return strings.TrimSpace(out.String())
}

// use opens a key's session, runs code, compares what it printed and gives the
// session back.
func (b *bench) use(key string, from execution.OriginState, code, want string) {
	b.t.Helper()
	s := b.open(key, from)
	if got := runs(b.t, s, code); got != want {
		b.t.Errorf("%s\nprinted %q, want %q", code, got, want)
	}
	if err := s.Close(); err != nil {
		b.t.Error(err)
	}
}

// left returns the names of what is in the folder of snapshots.
func (b *bench) left() (names []string) {
	b.t.Helper()
	entries, err := os.ReadDir(b.config.Dir)
	if err != nil {
		b.t.Fatal(err)
	}
	for _, entry := range entries {
		names = append(names, entry.Name())
	}
	return names
}

const (
	isNew, isKept        = execution.OriginNew, execution.OriginKept
	isEarlier, isLost    = execution.OriginEarlier, execution.OriginLost
	makeFrame, readFrame = "df = pd.DataFrame({'n': range(1000)}); print(len(df))", "print(int(df.n.sum()))"
)
