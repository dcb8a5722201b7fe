package keeper_test

import (
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mark-analyst/mark/sandbox/keeper"
)

func TestPointsAreBounded(t *testing.T) {
	b := newBenchOver(t, &fake{}, func(c *keeper.Config) { c.Limits.Points = 3 })
	b.steps("cht_1", "one", "two", "three", "four", "five")
	b.steps("cht_2", "one")
	for _, point := range []string{"one", "two"} {
		b.refuses("cht_1", point)
	}
	b.rewinds("cht_2", "one")
	for _, point := range []string{"three", "four", "five"} {
		b.rewinds("cht_1", point)
		b.use("cht_1", isKept, "?", point)
	}
}

// size is that of a file of the folder of snapshots.
func (b *bench) size(name string) int64 {
	b.t.Helper()
	info, err := os.Stat(filepath.Join(b.config.Dir, name))
	if err != nil {
		b.t.Fatal(err)
	}
	return info.Size()
}

// Where room is short it is made by points, of whichever chat, before anybody's
// newest variables. What is a point and the newest takes room once.
func TestPointsMakeRoom(t *testing.T) {
	b, _ := faked(t)
	b.steps("old", "a1", "a2", "a3")
	b.steps("young", "b1", "b2", "b3")
	b.stop()
	b.config.Limits.SavedBytes = b.size("old.age") + b.size("young.age") + b.size("young.b2.age")
	b.start()
	b.keeper.Sweep(t.Context())
	for _, point := range []string{"a1", "a2"} {
		b.refuses("old", point)
	}
	b.refuses("young", "b1")
	b.rewinds("young", "b2")
	b.rewinds("old", "a3")
	b.use("old", isKept, "?", "a3")
	b.use("young", isKept, "?", "b2")
	b.stop()
	b.config.Limits.SavedBytes = b.size("young.age")
	b.later(time.Minute)
	b.start()
	b.keeper.Sweep(t.Context())
	b.use("young", isKept, "?", "b2")
	b.use("old", isLost, "?", "")
	b.refuses("old", "a3")
}

func TestOldPointsGo(t *testing.T) {
	b, _ := faked(t)
	b.steps("cht_1", "one")
	b.later(keeper.DefaultLimits().MaxAge / 2)
	b.use("cht_1", isKept, "two", "")
	b.restart()
	b.later(keeper.DefaultLimits().MaxAge / 2)
	b.keeper.Sweep(t.Context())
	b.refuses("cht_1", "one")
	b.use("cht_1", isKept, "?", "two")
}

func TestEraseLeavesNoPoint(t *testing.T) {
	b, _ := faked(t)
	b.steps("cht_1", "one", "two")
	b.steps("cht_10", "ten")
	b.rewinds("cht_1", "one")
	if err := b.keeper.Erase(t.Context(), "cht_1"); err != nil {
		t.Fatal(err)
	}
	if got := strings.Join(b.left(), " "); got != "cht_10.age cht_10.json cht_10.ten.age cht_10.ten.json" {
		t.Errorf("%v is left", got)
	}
}
