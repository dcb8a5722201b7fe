// Package files keeps what people upload and what Python leaves behind: blobs
// in the data folder, or where several nodes reach them, written as a stream,
// never changed, and handed out by signed links that live for a short time
// (Signer, Handler).
package files

import (
	"context"
	"crypto/rand"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"time"

	"gocloud.dev/blob"
	"gocloud.dev/blob/fileblob"
	"gocloud.dev/gcerrors"

	"github.com/mark-analyst/mark/internal/datadir"
	"github.com/mark-analyst/mark/internal/fault"
	"github.com/mark-analyst/mark/internal/units"
)

// ErrNotFound says that there is no blob of that key.
var ErrNotFound = errors.New("files: no such file")

// Object is a stored blob.
type Object struct {
	Key    string // names it in the Store: "datasets/…"
	SHA256 string // of its content, hex
	Size   int64  // bytes
}

// Store is a place for blobs. It is safe for concurrent use.
type Store struct {
	bucket *blob.Bucket
	folder string // of the blobs, absolute; "": they are elsewhere
	cache  *cache // of blobs that are elsewhere
}

// Open opens the store in the folder "files" of the data folder, making it if
// need be, and erases what a process that was killed has left half written. The
// data folder must be the caller's alone.
func Open(dataDir string) (*Store, error) {
	folder, err := filepath.Abs(filepath.Join(dataDir, datadir.Files))
	if err != nil {
		return nil, fmt.Errorf("files: %w", err)
	}
	// People's data: for nobody else on the machine.
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return nil, fmt.Errorf("files: make the folder: %w", err)
	}
	return openFolder(folder, time.Time{})
}

// Close ends the use of the store. Readers that are open go on.
func (s *Store) Close() error { return s.bucket.Close() }

// openFolder opens the store in a folder, and erases what is half written there
// and was not written to since a time; the zero time: all of it.
func openFolder(folder string, since time.Time) (*Store, error) {
	bucket, err := fileblob.OpenBucket(folder, &fileblob.Options{
		DirFileMode: 0o700,
		NoTempDir:   true, // a rename within one file system is all or nothing
		Metadata:    fileblob.MetadataDontWrite,
	})
	if err != nil {
		return nil, fmt.Errorf("files: open %s: %w", folder, err)
	}
	if err := sweep(folder, since); err != nil {
		return nil, errors.Join(fmt.Errorf("files: tidy %s: %w", folder, err), bucket.Close())
	}
	return &Store{bucket: bucket, folder: folder}, nil
}

// sweep erases files that were being written.
func sweep(folder string, since time.Time) error {
	return filepath.WalkDir(folder, func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(path, ".tmp") {
			return err
		}
		if !since.IsZero() {
			info, err := d.Info()
			if errors.Is(err, fs.ErrNotExist) || err == nil && info.ModTime().After(since) {
				return nil
			}
			if err != nil {
				return err
			}
		}
		if err := os.Remove(path); !errors.Is(err, fs.ErrNotExist) {
			return err
		}
		return nil
	})
}

// prefixes are what keys may begin with. A key holds nothing that a file system
// or a URL would need to escape.
var prefixes = regexp.MustCompile(`^[a-z]{1,32}$`)

// Put stores what r holds, up to maxBytes, under a new key that begins with
// prefix and a slash. It reads as it writes, so an upload's size does not
// matter to memory. More than maxBytes is a fault LIMIT_EXCEEDED as soon as the
// first byte too many is read. After an error, ctx's end and r's own included,
// nothing is left.
func (s *Store) Put(ctx context.Context, prefix string, r io.Reader, maxBytes int64) (_ Object, err error) {
	if !prefixes.MatchString(prefix) {
		return Object{}, fmt.Errorf("files: %q cannot begin a key", prefix)
	}
	// Two letters of folder keep folders small.
	name := strings.ToLower(rand.Text())
	key := prefix + "/" + name[:2] + "/" + name
	ctx, cancel := context.WithCancel(ctx)
	defer cancel()
	w, err := s.bucket.NewWriter(ctx, key, &blob.WriterOptions{
		ContentType: "application/octet-stream", // else it would be guessed, for nothing
		BeforeWrite: private,
	})
	if err != nil {
		return Object{}, fmt.Errorf("files: write: %w", err)
	}
	hash := sha256.New()
	size, err := io.Copy(io.MultiWriter(w, hash), &reader{ctx: ctx, r: r, left: maxBytes, max: maxBytes})
	if err != nil {
		cancel()      // closing then discards what was written
		_ = w.Close() // says only that it was cancelled
		return Object{}, fmt.Errorf("files: write: %w", err)
	}
	if err := w.Close(); err != nil {
		return Object{}, fmt.Errorf("files: write: %w", err)
	}
	return Object{Key: key, SHA256: hex.EncodeToString(hash.Sum(nil)), Size: size}, nil
}

// private keeps other users of the machine from reading a blob.
func private(as func(any) bool) error {
	var f *os.File
	if !as(&f) {
		return nil // elsewhere
	}
	return f.Chmod(0o600)
}

// reader ends with an error when too much is read, or when ctx has ended.
type reader struct {
	ctx       context.Context //nolint:containedctx // of one call of Put
	r         io.Reader
	left, max int64
}

// Read implements io.Reader.
func (l *reader) Read(p []byte) (int, error) {
	if err := l.ctx.Err(); err != nil {
		return 0, err
	}
	if l.left+1 < int64(len(p)) {
		p = p[:l.left+1] // one more tells whether there is more
	}
	n, err := l.r.Read(p)
	if l.left -= int64(n); l.left < 0 {
		return n - 1, fault.New(fault.LimitExceeded, "The file is larger than %s, which is the limit.", units.Bytes(l.max))
	}
	return n, err
}

// Open opens a blob for reading from any place. The error is ErrNotFound where
// there is none.
func (s *Store) Open(ctx context.Context, key string) (*blob.Reader, error) {
	r, err := s.bucket.NewReader(ctx, key, nil)
	return r, explain(key, err)
}

// Delete erases a blob. One that is not there is not an error.
func (s *Store) Delete(ctx context.Context, key string) error {
	if err := explain(key, s.bucket.Delete(ctx, key)); err != nil && !errors.Is(err, ErrNotFound) {
		return err
	}
	if s.cache != nil {
		s.cache.forget(key)
	}
	return nil
}

// LocalPath returns where on this machine a blob's content is, for a program
// that wants a file: where it is kept, or a copy of it. It stays there until
// release is called.
func (s *Store) LocalPath(ctx context.Context, key string) (path string, release func(), err error) {
	// The key is a path only if it is one of Put's.
	ok, err := s.bucket.Exists(ctx, key)
	if err != nil {
		return "", nil, explain(key, err)
	}
	if s.cache != nil {
		if !ok {
			s.cache.forget(key) // another node deleted it
			return "", nil, fmt.Errorf("%w: %s", ErrNotFound, key)
		}
		path, release, err = s.cache.path(ctx, key)
		return path, release, explain(key, err)
	}
	path = filepath.Join(s.folder, filepath.FromSlash(key))
	if _, statErr := os.Stat(path); !ok || statErr != nil {
		return "", nil, fmt.Errorf("%w: %s", ErrNotFound, key)
	}
	return path, func() {}, nil
}

func explain(key string, err error) error {
	switch {
	case err == nil:
		return nil
	case gcerrors.Code(err) == gcerrors.NotFound:
		return fmt.Errorf("%w: %s", ErrNotFound, key)
	}
	return fmt.Errorf("files: %s: %w", key, err)
}
