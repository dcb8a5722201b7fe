package keeper_test

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/mark-analyst/mark/internal/clock"
	"github.com/mark-analyst/mark/sandbox/keeper"
)

// memory is a shared store.
type memory struct {
	clock clock.Clock

	mu    sync.Mutex // protects the rest
	blobs map[string]memoryBlob
}

type memoryBlob struct {
	content []byte
	made    time.Time
}

// names returns those of all blobs.
func (m *memory) names() (names []string) {
	m.mu.Lock()
	defer m.mu.Unlock()
	for name := range m.blobs {
		names = append(names, name)
	}
	slices.Sort(names)
	return names
}

// reach is one node's way to the shared store.
type reach struct {
	*memory

	way  sync.Mutex                                   // protects the rest
	cut  bool                                         // nothing goes through any more
	puts func(ctx context.Context, name string) error // before each Put; nil: they are well
}

var errCut = errors.New("the shared store does not answer")

func (r *reach) sever() {
	r.way.Lock()
	defer r.way.Unlock()
	r.cut = true
}

func (r *reach) onPut(do func(ctx context.Context, name string) error) {
	r.way.Lock()
	defer r.way.Unlock()
	r.puts = do
}

func (r *reach) open() error {
	r.way.Lock()
	defer r.way.Unlock()
	if r.cut {
		return errCut
	}
	return nil
}

func (r *reach) Put(ctx context.Context, name string, content io.Reader) error {
	r.way.Lock()
	do := r.puts
	r.way.Unlock()
	if do != nil {
		if err := do(ctx, name); err != nil {
			return err
		}
	}
	text, err := io.ReadAll(content)
	if err := errors.Join(err, r.open(), ctx.Err()); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	r.blobs[name] = memoryBlob{text, r.clock.Now()}
	return nil
}

func (r *reach) Get(_ context.Context, name string) (io.ReadCloser, error) {
	if err := r.open(); err != nil {
		return nil, err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	b, there := r.blobs[name]
	if !there {
		return nil, fmt.Errorf("%s: %w", name, fs.ErrNotExist)
	}
	return io.NopCloser(bytes.NewReader(b.content)), nil
}

func (r *reach) Delete(_ context.Context, name string) error {
	if err := r.open(); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	delete(r.blobs, name)
	return nil
}

func (r *reach) List(_ context.Context, prefix string, each func(string, int64, time.Time)) error {
	if err := r.open(); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	for name, b := range r.blobs {
		if strings.HasPrefix(name, prefix) {
			each(name, int64(len(b.content)), b.made)
		}
	}
	return nil
}

// isImage reports whether a blob holds variables.
func isImage(name string) bool { return strings.Contains(name, ".image-") }

// isStep reports whether a blob says that a step was begun.
func isStep(name string) bool { return strings.Contains(name, ".step-") }

// sharing gives a keeper a shared store, in which there is nothing yet.
func sharing(c *keeper.Config) {
	c.Shared = &reach{memory: &memory{clock: c.Clock, blobs: map[string]memoryBlob{}}}
}
