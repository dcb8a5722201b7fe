package gvisor

import "time"

// Pool says how many sessions are started ahead. Each is given to one caller,
// once, and never comes back. A ready one starts its first step in
// milliseconds, where a restore takes a quarter of a second.
type Pool struct {
	Size int // sessions kept ready; 0: none
	// MemoryBytes is what they may take together, and SpareBytes what the
	// machine must have available beside them: with less the pool gives back
	// sessions and starts none. 0: DefaultPoolMemory, DefaultPoolSpare.
	MemoryBytes int64
	SpareBytes  int64
	// MaxAge is how long one waits to be used before it is replaced; 0:
	// DefaultPoolAge.
	MaxAge time.Duration
}

// What the zero fields of a Pool mean.
const (
	DefaultPoolMemory = 1 << 30
	DefaultPoolSpare  = 1 << 30
	DefaultPoolAge    = time.Hour
)
