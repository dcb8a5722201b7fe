package limit

import "sync"

// Gate counts who is inside at once, by key and altogether.
type Gate struct {
	perKey int
	total  int

	mu     sync.Mutex // protects what follows
	inside map[string]int
	all    int
}

// NewGate returns a Gate that admits perKey holders of one key and total
// holders altogether.
func NewGate(perKey, total int) *Gate {
	return &Gate{perKey: perKey, total: total, inside: map[string]int{}}
}

// Enter admits one more holder of key, who must call leave once when it is
// done; calling it again does nothing. ok is false when the gate is full.
func (g *Gate) Enter(key string) (leave func(), ok bool) {
	g.mu.Lock()
	defer g.mu.Unlock()
	if g.all >= g.total || g.inside[key] >= g.perKey {
		return nil, false
	}
	g.all++
	g.inside[key]++
	return sync.OnceFunc(func() { g.leave(key) }), true
}

func (g *Gate) leave(key string) {
	g.mu.Lock()
	defer g.mu.Unlock()
	g.all--
	if g.inside[key]--; g.inside[key] == 0 {
		delete(g.inside, key)
	}
}
