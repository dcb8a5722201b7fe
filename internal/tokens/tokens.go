// Package tokens counts the tokens of texts as language models do. Which tokens a
// model makes of a text only its provider knows; the count is by o200k_base, the
// vocabulary of OpenAI's newer models, from which others stray by some ten
// percent, and in long numbers further.
package tokens

import (
	"sync"

	"github.com/tiktoken-go/tokenizer/codec"
)

// Counter counts the tokens of a text. It is safe for use by several goroutines
// at once.
type Counter interface {
	Count(text string) int
}

// New returns a Counter by o200k_base. The vocabulary is read when something is
// counted for the first time (30 ms); where counting fails it estimates.
func New() Counter {
	return &counter{load: sync.OnceValue(func() encoding { return codec.NewO200kBase() })}
}

// encoding is what this package needs of the library.
type encoding interface {
	Count(text string) (int, error)
}

type counter struct{ load func() encoding }

// Count counts, or estimates where the library fails: a run must not end for the
// size of its prompt.
func (c *counter) Count(text string) (n int) {
	if text == "" {
		return 0
	}
	defer func() {
		if p := recover(); p != nil {
			n = Estimate(text)
		}
	}()
	n, err := c.load().Count(text)
	if err != nil {
		return Estimate(text)
	}
	return n
}

// Estimate is more tokens than any usual text has: four for five bytes. English
// has about one for four, random bytes three for four.
func Estimate(text string) int { return (4*len(text) + 4) / 5 }
