// Package deep keeps the stacks of goroutines small that wait for long.
package deep

// Call runs f on a goroutine of its own and returns when f has. A goroutine keeps
// the stack that its deepest call has needed: a statement on a database or an
// execution of GraphQL takes 16 KiB, waiting takes two. f must contain its own
// panics, since the caller cannot.
func Call(f func()) {
	done := make(chan struct{})
	go func() {
		defer close(done)
		f()
	}()
	<-done
}
