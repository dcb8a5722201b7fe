package gvisor_test

import (
	"strings"
	"sync"
	"testing"

	"github.com/mark-analyst/mark/internal/execution"
)

// draws prints what clones of one checkpoint have to differ in, a line each.
const draws = `import os, random, secrets, tempfile, time, uuid, duckdb, multiprocessing
for draw in (
    random.random, random.Random().random, np.random.rand, lambda: np.random.default_rng().random(), np.random.RandomState().rand,
    lambda: secrets.token_hex(8), uuid.uuid4, uuid.uuid1, lambda: os.urandom(8).hex(), tempfile.mktemp,
    lambda: pd.DataFrame({"n": range(1000)}).sample(1).n.item(), lambda: random.sample(range(10**9), 1)[0],
    lambda: duckdb.sql("select random(), uuid()").fetchall(), lambda: bytes(multiprocessing.current_process().authkey).hex(),
):
    print(draw())`

// fewDraw is the one of draws with so few outcomes that two clones can meet by
// chance.
const fewDraw = 10

func TestTwentyClonesDiffer(t *testing.T) {
	const clones = 20
	lines := make([][]string, clones)
	var all sync.WaitGroup
	for i := range lines {
		all.Go(func() {
			s := open(t, execution.Spec{})
			lines[i] = strings.Split(prints(t, s, draws), "\n")
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	all.Wait()
	for n := range lines[0] {
		seen := map[string]int{}
		for _, l := range lines {
			if len(l) != len(lines[0]) {
				t.Fatalf("a clone printed %q", l)
			}
			seen[l[n]]++
		}
		want := clones
		if n == fewDraw {
			want = clones / 2
		}
		if len(seen) < want {
			t.Errorf("draw %d: %d different ones of %d clones: %v", n, len(seen), clones, seen)
		}
	}
}
