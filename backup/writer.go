package backup

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"time"

	"filippo.io/age"
	"github.com/klauspost/compress/zstd"
)

// writer writes an archive.
type writer struct {
	sealed io.WriteCloser
	small  *zstd.Encoder
	tar    *tar.Writer
	at     time.Time // of each member

	has   map[string]Member
	bytes int64             // of the members so far
	told  func(bytes int64) // of each member's growth
}

func newWriter(to io.Writer, recipients []age.Recipient, at time.Time) (*writer, error) {
	sealed, err := seal(to, recipients)
	if err != nil {
		return nil, err
	}
	// Uploads are mostly text, or small already: more effort buys little, and is
	// taken from a service that runs on the same machine.
	small, err := zstd.NewWriter(sealed, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return nil, err
	}
	return &writer{sealed: sealed, small: small, tar: tar.NewWriter(small), at: at, has: map[string]Member{}}, nil
}

// add copies what r holds, size bytes, into a member.
func (w *writer) add(ctx context.Context, name string, r io.Reader, size int64) error {
	if max, ok := largest(name); !ok || size > max {
		return fmt.Errorf("%s, %d bytes, cannot be in an archive", name, size)
	}
	if err := w.tar.WriteHeader(&tar.Header{Name: name, Size: size, Mode: 0o600, ModTime: w.at}); err != nil {
		return err
	}
	hash := sha256.New()
	to := io.MultiWriter(w.tar, hash, growth{w})
	if _, err := io.Copy(to, io.LimitReader(reader{ctx, r}, size)); err != nil {
		return fmt.Errorf("%s: %w", name, err)
	}
	if err := w.tar.Flush(); err != nil { // says where less than size was there
		return fmt.Errorf("%s: %w", name, err)
	}
	w.has[name] = Member{Name: name, Size: size, SHA256: hex.EncodeToString(hash.Sum(nil))}
	return nil
}

// file copies a file. The error is fs.ErrNotExist where there is none, and then
// nothing was written.
func (w *writer) file(ctx context.Context, name string, f *os.File) error {
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if !info.Mode().IsRegular() {
		return fmt.Errorf("%s is no regular file", name)
	}
	return w.add(ctx, name, f, info.Size())
}

// json writes a member that is no copy of a file.
func (w *writer) json(ctx context.Context, name string, value any) error {
	text, err := json.MarshalIndent(value, "", "  ")
	if err != nil {
		return err
	}
	text = append(text, '\n')
	return w.add(ctx, name, bytes.NewReader(text), int64(len(text)))
}

// close ends the archive. Without it, it is cut off in the middle.
func (w *writer) close() error {
	return errors.Join(w.tar.Close(), w.small.Close(), w.sealed.Close())
}

// abandon gives back what compressing takes.
func (w *writer) abandon() { w.small.Reset(io.Discard); _ = w.small.Close() }

// growth tells of what was written.
type growth struct{ w *writer }

// Write implements io.Writer.
func (g growth) Write(p []byte) (int, error) {
	g.w.bytes += int64(len(p))
	if g.w.told != nil {
		g.w.told(g.w.bytes)
	}
	return len(p), nil
}

// reader ends with its context.
type reader struct {
	ctx context.Context //nolint:containedctx // of one copy
	r   io.Reader
}

// Read implements io.Reader.
func (r reader) Read(p []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(p)
}
