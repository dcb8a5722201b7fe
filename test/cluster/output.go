package cluster

import (
	"bytes"
	"io"
	"sync"
)

// prefixed writes whole lines, each with a prefix.
type prefixed struct {
	to     io.Writer
	prefix string

	mu   sync.Mutex
	rest []byte // of a line that is not whole yet
}

// Write implements io.Writer.
func (p *prefixed) Write(b []byte) (int, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rest = append(p.rest, b...)
	for {
		end := bytes.IndexByte(p.rest, '\n')
		if end < 0 {
			return len(b), nil
		}
		// One Write a line: those of several nodes do not mix.
		line := append([]byte(p.prefix), p.rest[:end+1]...)
		p.rest = p.rest[end+1:]
		if _, err := p.to.Write(line); err != nil {
			return len(b), err
		}
	}
}
