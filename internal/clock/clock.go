// Package clock is where time comes from, so that tests can choose it.
package clock

import "time"

// Clock tells the time.
type Clock interface {
	// Now is the present moment in UTC, cut to microseconds: what PostgreSQL
	// keeps, so that a value reads back as it was written on either database.
	Now() time.Time
}

// System is the machine's clock.
type System struct{}

// Now implements Clock.
func (System) Now() time.Time { return now().UTC().Truncate(time.Microsecond) }

// Func makes a Clock of a function, for tests.
type Func func() time.Time

// Now implements Clock.
func (f Func) Now() time.Time { return f().UTC().Truncate(time.Microsecond) }
