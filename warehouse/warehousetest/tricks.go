package warehousetest

import (
	"math/rand/v2"
	"os"
	"strings"
	"testing"
	"time"
)

// Seed is what a test draws its statements from, and until when. The short form has
// always the same and no time; the long one takes the time of MARK_FUZZ_TIME.
func Seed(t *testing.T) (seed uint64, until time.Time) {
	t.Helper()
	long := os.Getenv("MARK_FUZZ_TIME")
	if long == "" {
		return 1, until
	}
	d, err := time.ParseDuration(long)
	if err != nil {
		t.Fatal(err)
	}
	seed = uint64(time.Now().UnixNano())
	t.Logf("of the seed %d", seed)
	return seed, time.Now().Add(d)
}

// Trick returns a query, one of bases, with some of tricks put into it anywhere: for
// tests of what a guard and an engine each make of it.
func Trick(rng *rand.Rand, bases, tricks []string) string {
	sql := bases[rng.IntN(len(bases))]
	for range 1 + rng.IntN(3) {
		piece := tricks[rng.IntN(len(tricks))]
		at := rng.IntN(len(sql) + 1)
		if rng.IntN(2) == 0 { // between words: what is grammar then remains grammar
			if i := strings.IndexByte(sql[at:], ' '); i >= 0 {
				at += i
			} else {
				at = len(sql)
			}
			piece = " " + piece
		}
		sql = sql[:at] + piece + sql[at:]
	}
	return sql
}
