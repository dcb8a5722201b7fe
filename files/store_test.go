package files_test

import (
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"testing/iotest"

	"go.uber.org/goleak"

	"github.com/mark-analyst/mark/files"
	"github.com/mark-analyst/mark/internal/fault"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

func open(t testing.TB) (s *files.Store, dir string) {
	t.Helper()
	dir = t.TempDir()
	s, err := files.Open(dir)
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	return s, dir
}

// contents are the paths of all files below a folder.
func contents(t testing.TB, dir string) []string {
	t.Helper()
	var paths []string
	must(t, filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			paths = append(paths, path)
		}
		return err
	}))
	return paths
}

func TestPutAndOpen(t *testing.T) {
	s, dir := open(t)
	for _, size := range []int{0, 1, 4096, 3 << 20} {
		content := bytes.Repeat([]byte("x"), size)
		o, err := s.Put(t.Context(), "datasets", bytes.NewReader(content), int64(size))
		must(t, err)
		sum := sha256.Sum256(content)
		if o.Size != int64(size) || o.SHA256 != hex.EncodeToString(sum[:]) || !strings.HasPrefix(o.Key, "datasets/") {
			t.Errorf("%d bytes: %+v", size, o)
		}
		r, err := s.Open(t.Context(), o.Key)
		must(t, err)
		got, err := io.ReadAll(r)
		must(t, errors.Join(err, r.Close()))
		if !bytes.Equal(got, content) {
			t.Errorf("%d bytes became %d", size, len(got))
		}
		path, release, err := s.LocalPath(t.Context(), o.Key)
		must(t, err)
		info, err := os.Stat(path)
		must(t, err)
		if info.Size() != int64(size) || info.Mode().Perm() != 0o600 || !filepath.IsAbs(path) {
			t.Errorf("%s: %d bytes, %s", path, info.Size(), info.Mode())
		}
		release()
		must(t, s.Delete(t.Context(), o.Key))
		must(t, s.Delete(t.Context(), o.Key))
		if _, err := s.Open(t.Context(), o.Key); !errors.Is(err, files.ErrNotFound) {
			t.Errorf("opened after deletion: %v", err)
		}
		if _, _, err := s.LocalPath(t.Context(), o.Key); !errors.Is(err, files.ErrNotFound) {
			t.Errorf("a path after deletion: %v", err)
		}
	}
	if left := contents(t, dir); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

// counting tells how much was read.
type counting struct {
	r io.Reader
	n int
}

func (c *counting) Read(p []byte) (int, error) {
	n, err := c.r.Read(p)
	c.n += n
	return n, err
}

// endless is a file without an end.
type endless struct{}

func (endless) Read(p []byte) (int, error) { clear(p); return len(p), nil }

func TestPutStopsAtTheLimit(t *testing.T) {
	s, dir := open(t)
	for _, limit := range []int64{0, 1, 1000, 1 << 20} {
		for name, r := range map[string]io.Reader{
			"endless":         endless{},
			"one too many":    bytes.NewReader(make([]byte, limit+1)),
			"byte after byte": iotest.OneByteReader(bytes.NewReader(make([]byte, limit+1))),
		} {
			c := &counting{r: r}
			_, err := s.Put(t.Context(), "datasets", c, limit)
			if !fault.Is(err, fault.LimitExceeded) {
				t.Errorf("%s, limit %d: %v", name, limit, err)
			}
			if int64(c.n) > limit+1 {
				t.Errorf("%s, limit %d: %d bytes were read", name, limit, c.n)
			}
		}
	}
	if left := contents(t, dir); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

// TestPutLeavesNothing: whatever ends an upload early, no piece of it stays.
func TestPutLeavesNothing(t *testing.T) {
	s, dir := open(t)
	half := bytes.NewReader(make([]byte, 1<<20))
	if _, err := s.Put(t.Context(), "datasets", io.MultiReader(half, iotest.ErrReader(io.ErrUnexpectedEOF)), 1<<30); !errors.Is(err, io.ErrUnexpectedEOF) {
		t.Errorf("a client that hangs up: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	seen := 0
	watch := readerFunc(func(p []byte) (int, error) {
		if seen = len(contents(t, dir)); seen > 0 {
			cancel()
		}
		return len(p), nil
	})
	if _, err := s.Put(ctx, "datasets", watch, 1<<30); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
	if seen == 0 {
		t.Error("nothing was being written, so nothing was shown")
	}
	if _, err := s.Put(t.Context(), "../x", half, 1); err == nil {
		t.Error("a prefix that climbs was taken")
	}
	if left := contents(t, dir); len(left) != 0 {
		t.Errorf("left: %v", left)
	}
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

func TestOpenSweepsWhatWasAbandoned(t *testing.T) {
	s, dir := open(t)
	blob, err := s.Put(t.Context(), "datasets", strings.NewReader("whole"), 100)
	must(t, err)
	must(t, os.WriteFile(filepath.Join(dir, "files", filepath.FromSlash(blob.Key)+".1.tmp"), []byte("ha"), 0o600))
	again, err := files.Open(dir) // as after a kill
	must(t, err)
	must(t, again.Close())
	if left := contents(t, dir); len(left) != 1 || !strings.HasSuffix(left[0], filepath.FromSlash(blob.Key)) {
		t.Errorf("left: %v", left)
	}
}

func TestKeysThatAreNotOurs(t *testing.T) {
	s, dir := open(t)
	must(t, os.WriteFile(filepath.Join(dir, "secret"), []byte("!"), 0o600))
	for _, key := range []string{"", "../secret", "/etc/passwd", "datasets/../../secret", "x\x00"} {
		if _, err := s.Open(t.Context(), key); err == nil {
			t.Errorf("opened %q", key)
		}
		if path, _, err := s.LocalPath(t.Context(), key); err == nil {
			t.Errorf("%q has the path %s", key, path)
		}
	}
}

func TestLoadSecret(t *testing.T) {
	dir := t.TempDir()
	secrets := make(chan string, 8)
	var wg sync.WaitGroup
	for range cap(secrets) {
		wg.Go(func() {
			s, err := files.LoadSecret(dir)
			if err != nil {
				t.Error(err)
			}
			secrets <- string(s)
		})
	}
	wg.Wait()
	first := <-secrets
	for len(secrets) > 0 {
		if <-secrets != first {
			t.Error("two processes made two secrets")
		}
	}
	if len(first) != 32 || len(contents(t, dir)) != 1 {
		t.Errorf("%d bytes, files: %v", len(first), contents(t, dir))
	}
	path := filepath.Join(dir, "keys", "files.key")
	if info, err := os.Stat(path); err != nil || info.Mode().Perm() != 0o600 {
		t.Errorf("%v, %v", info, err)
	}
	must(t, os.Truncate(path, 5))
	if _, err := files.LoadSecret(dir); err == nil {
		t.Error("a damaged secret was taken")
	}
}
