package warehousetest

import (
	"math/rand/v2"
	"strings"
)

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
