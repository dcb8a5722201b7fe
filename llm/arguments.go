package llm

import (
	"encoding/json"
	"strings"
)

// arguments are what a call is made with, as far as it has come. A model may send
// megabytes byte by byte: each piece costs what it weighs, not what is there.
type arguments struct {
	strings.Builder
	scan   jsonScan
	seen   int  // bytes that were scanned
	ended  bool // an object has ended among them
	broken bool // they begin no object, or something follows it
}

// isObject tells whether there is one whole object. It goes on where it stopped
// the last time.
func (a *arguments) isObject() bool {
	text := a.String()
	for ; a.seen < len(text) && !a.broken; a.seen++ {
		switch c := text[a.seen]; {
		case !a.scan.going && isSpace(c): // around the object
		case a.ended, !a.scan.going && c != '{':
			a.broken = true
		case a.scan.feed(c):
			a.ended, a.broken = true, !json.Valid([]byte(text[:a.seen+1]))
		default:
			a.broken = a.scan.broken
		}
	}
	return a.ended && !a.broken
}
