package limit

import (
	"time"

	"golang.org/x/time/rate"

	"github.com/mark-analyst/mark/internal/clock"
)

// Rate is a token bucket: PerSecond tokens a second, at most Burst saved up.
type Rate struct {
	PerSecond float64
	Burst     int
}

// bucketsKept bounds the memory of a Limiter: at about 200 bytes each, 13 MB.
// Who has more addresses than that can also do without being forgotten.
const bucketsKept = 1 << 16

// Limiter holds a bucket for every key.
type Limiter struct {
	rate    Rate
	clock   clock.Clock
	buckets *LRU[*rate.Limiter]
}

// NewLimiter returns a Limiter with full buckets.
func NewLimiter(r Rate, c clock.Clock) *Limiter {
	one := func(string, *rate.Limiter) int { return 1 }
	return &Limiter{rate: r, clock: c, buckets: NewLRU(bucketsKept, bucketsKept, one)}
}

// Take takes a token from key's bucket. When it is empty, ok is false and
// retryAfter is how long it takes until there is one again.
func (l *Limiter) Take(key string) (retryAfter time.Duration, ok bool) {
	b := l.buckets.GetOrAdd(key, func() *rate.Limiter {
		return rate.NewLimiter(rate.Limit(l.rate.PerSecond), l.rate.Burst)
	})
	now := l.clock.Now()
	r := b.ReserveN(now, 1)
	if !r.OK() { // the burst is 0: nothing is ever allowed
		return time.Hour, false
	}
	if d := r.DelayFrom(now); d > 0 {
		r.CancelAt(now)
		return d, false
	}
	return 0, true
}
