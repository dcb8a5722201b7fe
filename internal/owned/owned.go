// Package owned carries, in a context, which rows are known to be the viewer's
// because they were just written or read as theirs, so that the rule on the
// database (auth.Guard) need not ask for each of them again.
package owned

import (
	"context"
	"sync"
)

// row is one row of a table; ids are strings or integers.
type row struct {
	typ string // as ent names it
	id  any
}

type rows struct {
	mu    sync.Mutex // protects known
	known map[row]struct{}
}

type key struct{}

// Within returns a context that remembers rows. It is for one transaction: what
// was true of a row in it may not be afterwards.
func Within(ctx context.Context) context.Context {
	return context.WithValue(ctx, key{}, &rows{known: map[row]struct{}{}})
}

// Note says that a row is the viewer's, by whoever has written it for them or
// read it as them. Without Within it is forgotten at once.
func Note(ctx context.Context, typ string, id any) {
	if r, ok := ctx.Value(key{}).(*rows); ok {
		r.mu.Lock()
		r.known[row{typ, id}] = struct{}{}
		r.mu.Unlock()
	}
}

// Known tells whether a row was noted in this context.
func Known(ctx context.Context, typ string, id any) bool {
	r, ok := ctx.Value(key{}).(*rows)
	if !ok {
		return false
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	_, known := r.known[row{typ, id}]
	return known
}
