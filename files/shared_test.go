package files_test

import (
	"context"
	"errors"
	"io"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/johannesboyne/gofakes3"
	"github.com/johannesboyne/gofakes3/backend/s3mem"
	_ "gocloud.dev/blob/s3blob"

	"github.com/mark-analyst/mark/files"
	"github.com/mark-analyst/mark/internal/clock"
)

func openShared(t *testing.T, url string, cacheBytes int64) (s *files.Store, cache string) {
	t.Helper()
	cache = filepath.Join(t.TempDir(), "cache")
	s, err := files.OpenShared(t.Context(), files.Shared{URL: url, CacheDir: cache, CacheBytes: cacheBytes, Clock: clock.System{}})
	must(t, err)
	t.Cleanup(func() { must(t, s.Close()) })
	return s, cache
}

// bucket is a bucket of a server that speaks S3.
func bucket(t *testing.T) (url string) {
	t.Helper()
	backend := s3mem.New()
	must(t, backend.CreateBucket("mark"))
	server := httptest.NewServer(gofakes3.New(backend).Server())
	t.Cleanup(server.Close)
	t.Setenv("AWS_ACCESS_KEY_ID", "id")
	t.Setenv("AWS_SECRET_ACCESS_KEY", "secret")
	return "s3://mark?region=us-east-1&use_path_style=true&endpoint=" + server.URL
}

// TestNodesShareBlobs: what one node puts the other reads, as a stream and as a
// file, and does not find any more once the first has deleted it.
func TestNodesShareBlobs(t *testing.T) {
	for name, url := range map[string]string{"folder": "file://" + t.TempDir(), "S3": bucket(t)} {
		t.Run(name, func(t *testing.T) {
			one, _ := openShared(t, url, 1<<20)
			other, _ := openShared(t, url, 1<<20)
			const text = "a,b\n1,2\n"
			o, err := one.Put(t.Context(), "datasets", strings.NewReader(text), 100)
			must(t, err)
			r, err := other.Open(t.Context(), o.Key)
			must(t, err)
			if _, err := r.Seek(4, io.SeekStart); err != nil {
				t.Error(err)
			}
			if got, err := io.ReadAll(r); string(got) != text[4:] {
				t.Errorf("read %q, %v", got, err)
			}
			must(t, r.Close())
			path, release, err := other.LocalPath(t.Context(), o.Key)
			must(t, err)
			if got, err := os.ReadFile(path); string(got) != text {
				t.Errorf("the file holds %q, %v", got, err)
			}
			info, err := os.Stat(path)
			must(t, err)
			if age := time.Since(info.ModTime()); info.ModTime().Nanosecond() != 0 && name == "S3" || age > time.Minute {
				t.Errorf("the file's time is %s, not the blob's", info.ModTime())
			}
			release()
			must(t, one.Delete(t.Context(), o.Key))
			must(t, one.Delete(t.Context(), o.Key)) // once more is no error
			if _, _, err := other.LocalPath(t.Context(), o.Key); !errors.Is(err, files.ErrNotFound) {
				t.Errorf("a deleted blob as a file: %v", err)
			}
			if _, err := other.Open(t.Context(), o.Key); !errors.Is(err, files.ErrNotFound) {
				t.Errorf("a deleted blob: %v", err)
			}
			// More than the limit leaves nothing.
			if _, err := one.Put(t.Context(), "datasets", strings.NewReader(text), 3); err == nil {
				t.Error("too much was taken")
			}
		})
	}
}

func TestCopiesOfABucketAreBounded(t *testing.T) {
	s, cache := openShared(t, bucket(t), 25)
	put := func() string {
		o, err := s.Put(t.Context(), "datasets", strings.NewReader("ten bytes."), 100)
		must(t, err)
		return o.Key
	}
	take := func(key string) (string, func()) {
		path, release, err := s.LocalPath(t.Context(), key)
		must(t, err)
		return path, release
	}
	there := func(path string) bool { _, err := os.Stat(path); return err == nil }
	a, b, c := put(), put(), put()
	pathA, releaseA := take(a)
	pathB, releaseB := take(b)
	pathC, releaseC := take(c)
	if !there(pathA) || !there(pathB) || !there(pathC) {
		t.Fatal("a copy in use is gone")
	}
	releaseB()
	releaseB() // twice is harmless
	if there(pathB) || !there(pathA) || !there(pathC) {
		t.Error("beyond the bound the one that nobody uses goes, and no other")
	}
	releaseA()
	releaseC()
	if !there(pathA) || !there(pathC) {
		t.Error("within the bound copies stay")
	}
	_, again := take(a) // used anew
	again()
	_, releaseB = take(b)
	releaseB()
	if !there(pathA) || there(pathC) {
		t.Error("the one that was unused the longest goes first")
	}
	must(t, s.Delete(t.Context(), a))
	if there(pathA) {
		t.Error("a deleted blob's copy stays")
	}
	// Many at once get the same whole copy.
	var all sync.WaitGroup
	for range 16 {
		all.Go(func() {
			path, release, err := s.LocalPath(t.Context(), c)
			if err != nil {
				t.Error(err)
				return
			}
			defer release()
			if text, err := os.ReadFile(path); string(text) != "ten bytes." {
				t.Errorf("%q, %v", text, err)
			}
		})
	}
	all.Wait()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := s.LocalPath(ended, put()); !errors.Is(err, context.Canceled) {
		t.Errorf("with a context that has ended: %v", err)
	}
	if left := contents(t, cache); len(left) > 3 {
		t.Errorf("left: %v", left)
	}
}

func TestASharedFolderIsTidiedWithCare(t *testing.T) {
	dir := t.TempDir()
	now := time.Now()
	for name, age := range map[string]time.Duration{"fresh.tmp": time.Hour, "old.tmp": 25 * time.Hour, "old": 48 * time.Hour} {
		path := filepath.Join(dir, name)
		must(t, os.WriteFile(path, nil, 0o600))
		must(t, os.Chtimes(path, now.Add(-age), now.Add(-age)))
	}
	openShared(t, "file://"+dir, 1)
	for name, stays := range map[string]bool{"fresh.tmp": true, "old.tmp": false, "old": true} {
		if _, err := os.Stat(filepath.Join(dir, name)); (err == nil) != stays {
			t.Errorf("%s: %v", name, err)
		}
	}
}

func TestSharedPlacesThatCannotBe(t *testing.T) {
	good := bucket(t)
	for url, says := range map[string]string{
		"file:///nowhere/at/all": "mount it, on every node",
		"file://srv/files":       "three slashes",
		"/srv/files":             "no URL like",
		"ftp://srv/files":        "ftp:// is not known; there are file, s3",
		strings.Replace(good, "//mark", "//another", 1): "no such bucket",
	} {
		s, err := files.OpenShared(t.Context(), files.Shared{URL: url, CacheDir: t.TempDir(), CacheBytes: 1, Clock: clock.System{}})
		if err == nil || !strings.Contains(err.Error(), says) {
			t.Errorf("%s: %v", url, err)
		}
		if s != nil {
			must(t, s.Close())
		}
	}
}
