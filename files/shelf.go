package files

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"strings"
	"time"

	"gocloud.dev/blob"
)

// Shelf is a part of a Store whose blobs have names of the caller's choosing and
// may be replaced, for what nodes exchange. It is safe for concurrent use.
type Shelf struct {
	bucket *blob.Bucket
	prefix string // with a slash at its end
}

// Shelf returns the part whose keys begin with prefix and a slash.
func (s *Store) Shelf(prefix string) (*Shelf, error) {
	if !prefixes.MatchString(prefix) {
		return nil, fmt.Errorf("files: %q cannot begin a key", prefix)
	}
	return &Shelf{bucket: s.bucket, prefix: prefix + "/"}, nil
}

// Put stores a blob, whole or not at all, in place of one of that name.
func (s *Shelf) Put(ctx context.Context, name string, content io.Reader) error {
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	w, err := s.bucket.NewWriter(ctx, s.prefix+name, &blob.WriterOptions{
		ContentType: "application/octet-stream",
		BeforeWrite: private,
	})
	if err != nil {
		return fmt.Errorf("files: write %s: %w", name, err)
	}
	if _, err := io.Copy(w, contextual{ctx, content}); err != nil {
		cancel()      // closing then discards what was written
		_ = w.Close() // says only that it was cancelled
		return fmt.Errorf("files: write %s: %w", name, err)
	}
	if err := w.Close(); err != nil {
		return fmt.Errorf("files: write %s: %w", name, err)
	}
	return nil
}

// Get opens a blob; fs.ErrNotExist is in the error where there is none.
func (s *Shelf) Get(ctx context.Context, name string) (io.ReadCloser, error) {
	r, err := s.bucket.NewReader(ctx, s.prefix+name, nil)
	if err := explain(name, err); err != nil {
		if errors.Is(err, ErrNotFound) {
			err = fmt.Errorf("%w: %w", fs.ErrNotExist, err)
		}
		return nil, err
	}
	return r, nil
}

// Delete erases a blob. One that is not there is not an error.
func (s *Shelf) Delete(ctx context.Context, name string) error {
	if err := explain(name, s.bucket.Delete(ctx, s.prefix+name)); err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	return nil
}

// List calls each for every blob whose name begins with prefix, in no order, with
// its size in bytes and when it was put there.
func (s *Shelf) List(ctx context.Context, prefix string, each func(name string, bytes int64, made time.Time)) error {
	for found := s.bucket.List(&blob.ListOptions{Prefix: s.prefix + prefix}); ; {
		o, err := found.Next(ctx)
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return fmt.Errorf("files: list %s: %w", prefix, err)
		}
		if !o.IsDir {
			each(strings.TrimPrefix(o.Key, s.prefix), o.Size, o.ModTime)
		}
	}
}

// contextual is a reader that ends with its context.
type contextual struct {
	ctx context.Context //nolint:containedctx // of one call of Put
	r   io.Reader
}

// Read implements io.Reader.
func (c contextual) Read(p []byte) (int, error) {
	if err := c.ctx.Err(); err != nil {
		return 0, err
	}
	return c.r.Read(p)
}
