package tokens

import (
	"crypto/sha256"
	"fmt"

	lru "github.com/hashicorp/golang-lru/v2"
)

// sharedTexts is how many texts' counts are kept, some 100 bytes each.
const sharedTexts = 4096

// shared is a Counter that counts a text once for all who ask, as long as it is one
// of those that were asked for last: instructions and tools are the same in every
// run, and a chat's history in each of its runs. A thousand tokens take half a
// millisecond to count, their text's hash some microseconds.
type shared struct {
	counter Counter
	known   *lru.Cache[[sha256.Size]byte, int] // by text, which is not kept
}

// Share returns a Counter over another that remembers.
func Share(c Counter) Counter {
	known, err := lru.New[[sha256.Size]byte, int](sharedTexts)
	if err != nil {
		panic(fmt.Sprint("tokens: ", err)) // of a size below one only
	}
	return &shared{counter: c, known: known}
}

// Count implements Counter.
func (s *shared) Count(text string) int {
	key := sha256.Sum256([]byte(text))
	n, ok := s.known.Get(key)
	if !ok {
		n = s.counter.Count(text)
		s.known.Add(key, n)
	}
	return n
}
