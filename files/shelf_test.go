package files_test

import (
	"context"
	"errors"
	"io"
	"io/fs"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/mark-analyst/mark/files"
)

func TestAShelf(t *testing.T) {
	store, dir := open(t)
	s, err := store.Shelf("sessions")
	must(t, err)
	names := func(prefix string) (all []string) {
		t.Helper()
		must(t, s.List(t.Context(), prefix, func(name string, bytes int64, made time.Time) {
			if bytes != 3 || time.Since(made) > time.Minute {
				t.Errorf("%s has %d bytes and is of %v", name, bytes, made)
			}
			all = append(all, name)
		}))
		slices.Sort(all)
		return all
	}
	for _, content := range []string{"one", "two"} { // the second in place of the first
		must(t, s.Put(t.Context(), "cht_1/a/claim", strings.NewReader(content)))
		r, err := s.Get(t.Context(), "cht_1/a/claim")
		must(t, err)
		got, err := io.ReadAll(r)
		must(t, errors.Join(err, r.Close()))
		if string(got) != content {
			t.Errorf("read %q, want %q", got, content)
		}
	}
	must(t, s.Put(t.Context(), "cht_10/a/claim", strings.NewReader("xyz")))
	if got := names("cht_1/"); !slices.Equal(got, []string{"cht_1/a/claim"}) {
		t.Errorf("listed %v", got)
	}
	if got := names(""); len(got) != 2 {
		t.Errorf("listed %v", got)
	}
	for range 2 {
		must(t, s.Delete(t.Context(), "cht_1/a/claim"))
	}
	if _, err := s.Get(t.Context(), "cht_1/a/claim"); !errors.Is(err, fs.ErrNotExist) || !errors.Is(err, files.ErrNotFound) {
		t.Errorf("Get returned %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := s.Put(ctx, "half", strings.NewReader("xyz")); !errors.Is(err, context.Canceled) {
		t.Errorf("Put returned %v", err)
	}
	if left := contents(t, dir); len(left) != 1 {
		t.Errorf("left are %v", left)
	}
	if _, err := store.Shelf("../x"); err == nil {
		t.Error("a shelf may be anywhere")
	}
}
