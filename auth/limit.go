package auth

import (
	"container/list"
	"sync"
	"time"

	"golang.org/x/time/rate"

	"github.com/mark-analyst/mark/internal/clock"
	"github.com/mark-analyst/mark/internal/fault"
)

// Rate is how often something may be tried: Burst times at once, and once more
// each time that Every has passed.
type Rate struct {
	Burst int
	Every time.Duration
}

// Limits are the rates of attempts. A zero Rate stands for the default's.
type Limits struct {
	// Account limits attempts to sign in to one account from one address: a
	// person who mistypes, or somebody who guesses.
	Account Rate
	// AccountAnywhere limits attempts to sign in to one account from all
	// addresses together. It is wide, since whoever exhausts it keeps the owner
	// out.
	AccountAnywhere Rate
	// Address limits attempts of one address at whatever account: to sign up, to
	// sign in and to refresh.
	Address Rate
}

// DefaultLimits allow one address 2880 guesses a day at one account, and
// the whole internet 17280.
func DefaultLimits() Limits {
	return Limits{
		Account:         Rate{Burst: 10, Every: 30 * time.Second},
		AccountAnywhere: Rate{Burst: 100, Every: 5 * time.Second},
		Address:         Rate{Burst: 100, Every: time.Second},
	}
}

func (l Limits) withDefaults() Limits {
	d := DefaultLimits()
	for _, r := range []struct{ set, fallback *Rate }{
		{&l.Account, &d.Account}, {&l.AccountAnywhere, &d.AccountAnywhere}, {&l.Address, &d.Address},
	} {
		if *r.set == (Rate{}) {
			*r.set = *r.fallback
		}
	}
	return l
}

// remembered is how many keys a limiter keeps apart, some 300 bytes each. When
// there are more, those not seen for longest start afresh.
const remembered = 10_000

// limiter counts attempts by key, in the memory of this process.
type limiter struct {
	rate  Rate
	clock clock.Clock

	mu    sync.Mutex               // protects what follows
	byKey map[string]*list.Element // of *bucket
	order *list.List               // the most recently used first
}

type bucket struct {
	key  string
	rate *rate.Limiter
}

func newLimiter(r Rate, c clock.Clock) *limiter {
	return &limiter{rate: r, clock: c, byKey: map[string]*list.Element{}, order: list.New()}
}

// take counts an attempt, or refuses it with RATE_LIMITED.
func (l *limiter) take(key string) error {
	now, b := l.clock.Now(), l.bucket(key)
	if b.AllowN(now, 1) {
		return nil
	}
	missing := max(0, 1-b.TokensAt(now))
	wait := time.Duration(missing * float64(l.rate.Every)).Round(time.Millisecond)
	return fault.New(fault.RateLimited, "Too many attempts. Try again later.").After(max(wait, time.Millisecond))
}

// forget starts a key afresh.
func (l *limiter) forget(key string) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e, ok := l.byKey[key]; ok {
		l.order.Remove(e)
		delete(l.byKey, key)
	}
}

func (l *limiter) bucket(key string) *rate.Limiter {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e, ok := l.byKey[key]; ok {
		l.order.MoveToFront(e)
		return e.Value.(*bucket).rate
	}
	b := &bucket{key, rate.NewLimiter(rate.Every(l.rate.Every), l.rate.Burst)}
	l.byKey[key] = l.order.PushFront(b)
	if l.order.Len() > remembered {
		last := l.order.Back()
		l.order.Remove(last)
		delete(l.byKey, last.Value.(*bucket).key)
	}
	return b.rate
}
