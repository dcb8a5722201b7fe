package limit

import (
	"container/list"
	"context"
	"sync"
)

// LRU keeps the values used last, bounded both in number and in weight, so
// that neither many small nor a few large values can fill the memory. It
// implements gqlgen's graphql.Cache.
type LRU[V any] struct {
	maxCount  int
	maxWeight int
	weigh     func(key string, value V) int

	mu     sync.Mutex // protects what follows
	order  *list.List // of *entry[V], the one used last in front
	byKey  map[string]*list.Element
	weight int
}

type entry[V any] struct {
	key    string
	value  V
	weight int
}

// NewLRU returns an empty LRU of at most maxCount values whose weights sum to
// at most maxWeight. A value heavier than that is not kept at all.
func NewLRU[V any](maxCount, maxWeight int, weigh func(key string, value V) int) *LRU[V] {
	return &LRU[V]{
		maxCount:  maxCount,
		maxWeight: maxWeight,
		weigh:     weigh,
		order:     list.New(),
		byKey:     map[string]*list.Element{},
	}
}

// Get returns the value of key and marks it as used.
func (l *LRU[V]) Get(_ context.Context, key string) (value V, ok bool) {
	l.mu.Lock()
	defer l.mu.Unlock()
	e, ok := l.byKey[key]
	if !ok {
		return value, false
	}
	l.order.MoveToFront(e)
	return e.Value.(*entry[V]).value, true
}

// Add sets the value of key and forgets what no longer fits.
func (l *LRU[V]) Add(_ context.Context, key string, value V) {
	w := l.weigh(key, value)
	l.mu.Lock()
	defer l.mu.Unlock()
	l.add(key, value, w)
}

// GetOrAdd returns the value of key, made by create when there is none.
func (l *LRU[V]) GetOrAdd(key string, create func() V) V {
	l.mu.Lock()
	defer l.mu.Unlock()
	if e, ok := l.byKey[key]; ok {
		l.order.MoveToFront(e)
		return e.Value.(*entry[V]).value
	}
	v := create()
	l.add(key, v, l.weigh(key, v))
	return v
}

// Len is how many values are kept.
func (l *LRU[V]) Len() int {
	l.mu.Lock()
	defer l.mu.Unlock()
	return len(l.byKey)
}

func (l *LRU[V]) add(key string, value V, weight int) {
	if e, ok := l.byKey[key]; ok {
		l.remove(e)
	}
	if weight > l.maxWeight {
		return
	}
	l.byKey[key] = l.order.PushFront(&entry[V]{key, value, weight})
	l.weight += weight
	for l.weight > l.maxWeight || len(l.byKey) > l.maxCount {
		l.remove(l.order.Back())
	}
}

func (l *LRU[V]) remove(e *list.Element) {
	x := l.order.Remove(e).(*entry[V])
	delete(l.byKey, x.key)
	l.weight -= x.weight
}
