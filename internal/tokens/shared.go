package tokens

import (
	"fmt"
	"hash/maphash"

	lru "github.com/hashicorp/golang-lru/v2"
)

// sharedTexts is how many texts' counts are kept, some 100 bytes each.
const sharedTexts = 4096

// shared is a Counter that counts a text once for all who ask, as long as it is one
// of those that were asked for last: instructions and tools are the same in every
// run, and a chat's history in each of its runs. A thousand tokens take half a
// millisecond to count, their text's hash less than a microsecond.
type shared struct {
	counter Counter
	seed    maphash.Seed
	known   *lru.Cache[uint64, int] // by the hash of a text, which is not kept
}

// Share returns a Counter over another that remembers.
func Share(c Counter) Counter {
	known, err := lru.New[uint64, int](sharedTexts)
	if err != nil {
		panic(fmt.Sprint("tokens: ", err)) // of a size below one only
	}
	return &shared{counter: c, seed: maphash.MakeSeed(), known: known}
}

// Count implements Counter.
func (s *shared) Count(text string) int {
	key := maphash.String(s.seed, text)
	n, ok := s.known.Get(key)
	if !ok {
		n = s.counter.Count(text)
		s.known.Add(key, n)
	}
	return n
}
