package files

import (
	"container/list"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"sync"

	"gocloud.dev/blob"
)

// cache keeps copies of a remote bucket's blobs in a folder, for programs that
// want files. Blobs never change, so a copy is good for as long as it is there.
type cache struct {
	bucket *blob.Bucket
	folder string
	max    int64 // bytes that copies nobody uses may take, with those in use

	mu     sync.Mutex // protects the rest
	copies map[string]*copied
	unused *list.List // of *copied, the longest unused first
	bytes  int64      // of all copies that are made
}

// copied is the copy of a blob.
type copied struct {
	key   string
	users int
	place *list.Element // in unused, or nil
	ready chan struct{} // closed when it was made, or could not be
	err   error         // why it could not
	size  int64
}

// openCache empties the folder: what is in it is of a process that has ended.
func openCache(bucket *blob.Bucket, folder string, max int64) (*cache, error) {
	if err := errors.Join(os.RemoveAll(folder), os.MkdirAll(folder, 0o700)); err != nil {
		return nil, fmt.Errorf("files: make room for copies: %w", err)
	}
	return &cache{bucket: bucket, folder: folder, max: max, copies: map[string]*copied{}, unused: list.New()}, nil
}

// path returns where a copy of a blob is, made if need be. Those who ask for the
// same one meanwhile wait for it.
func (c *cache) path(ctx context.Context, key string) (path string, release func(), err error) {
	for {
		one, mine := c.take(key)
		if mine {
			one.size, one.err = c.fetch(ctx, key)
			c.mu.Lock()
			c.bytes += one.size
			if one.err != nil {
				delete(c.copies, key) // the next one tries again
			}
			c.mu.Unlock()
			close(one.ready)
		}
		select {
		case <-one.ready:
			err = one.err
		case <-ctx.Done():
			err = ctx.Err()
		}
		if err == nil {
			return c.file(key), sync.OnceFunc(func() { c.release(one) }), nil
		}
		c.release(one)
		if mine || ctx.Err() != nil || !errors.Is(err, context.Canceled) && !errors.Is(err, context.DeadlineExceeded) {
			return "", nil, err
		} // else it was another's time that was over
	}
}

// take begins the use of a copy, and says whether the caller is to make it.
func (c *cache) take(key string) (one *copied, mine bool) {
	c.mu.Lock()
	defer c.mu.Unlock()
	one, there := c.copies[key]
	if !there {
		one = &copied{key: key, ready: make(chan struct{})}
		c.copies[key] = one
	}
	one.users++
	if one.place != nil {
		c.unused.Remove(one.place)
		one.place = nil
	}
	return one, !there
}

func (c *cache) file(key string) string { return filepath.Join(c.folder, filepath.FromSlash(key)) }

// fetch copies a blob.
func (c *cache) fetch(ctx context.Context, key string) (int64, error) {
	r, err := c.bucket.NewReader(ctx, key, nil)
	if err != nil {
		return 0, err
	}
	defer r.Close()
	path := c.file(key)
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return 0, err
	}
	f, err := os.CreateTemp(c.folder, "*.tmp") // mode 0600
	if err != nil {
		return 0, err
	}
	n, err := io.Copy(f, r)
	if err = errors.Join(err, f.Close()); err == nil {
		// Each copy of a blob looks alike: Python sessions go by that.
		err = errors.Join(os.Chtimes(f.Name(), r.ModTime(), r.ModTime()), os.Rename(f.Name(), path))
	}
	if err != nil {
		return 0, errors.Join(err, os.Remove(f.Name()))
	}
	return n, nil
}

// release gives a copy back, and removes those that were unused the longest where
// there are too many.
func (c *cache) release(one *copied) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if one.users--; one.users > 0 || c.copies[one.key] != one {
		return
	}
	one.place = c.unused.PushBack(one)
	for c.bytes > c.max && c.unused.Len() > 0 {
		c.remove(c.unused.Front().Value.(*copied))
	}
}

// forget removes the copy of a blob that was deleted, once nobody uses it.
func (c *cache) forget(key string) {
	c.mu.Lock()
	defer c.mu.Unlock()
	if one := c.copies[key]; one != nil && one.place != nil {
		c.remove(one)
	} // else its users looked the blob up before; the next one will not find it
}

// remove erases an unused copy. It needs the lock.
func (c *cache) remove(one *copied) {
	c.unused.Remove(one.place)
	delete(c.copies, one.key)
	os.Remove(c.file(one.key))
	c.bytes -= one.size
}
