package testpg

import (
	"bufio"
	"context"
	"crypto/rand"
	"database/sql"
	"errors"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"sync/atomic"
	"syscall"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
)

func open(t *testing.T, address string) *sql.DB {
	t.Helper()
	db, err := sql.Open("postgres", address)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { db.Close() })
	return db
}

func scan[T any](t *testing.T, db *sql.DB, query string) T {
	t.Helper()
	var got T
	if err := db.QueryRowContext(t.Context(), query).Scan(&got); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return got
}

func mustExec(t *testing.T, db *sql.DB, query string) {
	t.Helper()
	if _, err := db.ExecContext(t.Context(), query); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
}

func TestDatabasesAreSeparate(t *testing.T) {
	t.Parallel()
	one, other := open(t, postgres.NewDatabase(t)), open(t, postgres.NewDatabase(t))
	mustExec(t, one, "CREATE TABLE only_here (x int)")
	const find = "SELECT count(*) FROM pg_tables WHERE tablename = 'only_here'"
	if got := scan[int](t, one, find); got != 1 {
		t.Errorf("the first database has %d such tables, want 1", got)
	}
	if got := scan[int](t, other, find); got != 0 {
		t.Errorf("the second database has %d such tables, want 0", got)
	}
}

func TestDatabaseSpeaksUTF8AndUTC(t *testing.T) {
	t.Parallel()
	db := open(t, postgres.NewDatabase(t))
	for query, want := range map[string]string{
		"SHOW server_encoding":              "UTF8",
		"SHOW timezone":                     "UTC",
		"SELECT U&'gr\\00FC\\00DFe' || '✓'": "grüße✓",
	} {
		if got := scan[string](t, db, query); got != want {
			t.Errorf("%s = %q, want %q", query, got, want)
		}
	}
}

func TestDatabaseIsDroppedWithItsConnections(t *testing.T) {
	t.Parallel()
	server := postgres.Server(t)
	var address string
	var leftOpen *sql.DB
	t.Run("a test that forgets to close", func(t *testing.T) {
		address = server.NewDatabase(t)
		var err error
		if leftOpen, err = sql.Open("postgres", address); err != nil {
			t.Fatal(err)
		}
		mustExec(t, leftOpen, "SELECT 1")
	})
	defer leftOpen.Close()
	if err := open(t, address).PingContext(t.Context()); err == nil || !strings.Contains(err.Error(), "does not exist") {
		t.Errorf("ping of the dropped database: %v, want that it does not exist", err)
	}
}

func TestDatabaseFromTemplate(t *testing.T) {
	t.Parallel()
	var prepared atomic.Int32
	prepare := func(ctx context.Context, address string) error {
		prepared.Add(1)
		db, err := sql.Open("postgres", address)
		if err != nil {
			return err
		}
		// Left open on purpose until the test ends: copying must not mind.
		t.Cleanup(func() { db.Close() })
		_, err = db.ExecContext(ctx, "CREATE TABLE kept (x int); INSERT INTO kept VALUES (7)")
		return err
	}
	name := rand.Text() // the server keeps templates, also when tests are repeated
	var addresses [4]string
	var group errgroup.Group
	for i := range addresses {
		group.Go(func() error {
			addresses[i] = postgres.NewDatabaseFrom(t, name, prepare)
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	for _, address := range addresses {
		db := open(t, address)
		mustExec(t, db, "INSERT INTO kept VALUES (1)")
		if got := scan[int](t, db, "SELECT sum(x) FROM kept"); got != 8 {
			t.Errorf("sum = %d, want 8: the template's row and one's own", got)
		}
	}
	if got := prepared.Load(); got != 1 {
		t.Errorf("prepared %d times, want once", got)
	}
}

func TestStopErasesEverything(t *testing.T) {
	t.Parallel()
	postgres.Server(t) // skips where there is no PostgreSQL
	server, err := Start(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := server.Stop(); err != nil {
			t.Fatal(err)
		}
	}
	if _, err := os.Stat(server.folder); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("the folder after Stop: %v, want that it is gone", err)
	}
}

// TestServerEndsWithItsProcess kills a process that has a server, so that no
// code of its own can tidy up, and watches the server go.
func TestServerEndsWithItsProcess(t *testing.T) {
	t.Parallel()
	postgres.Server(t)
	cmd, _, address := startChild(t)
	folder := folderOf(t, address)
	if err := open(t, address).PingContext(t.Context()); err != nil {
		t.Fatal(err)
	}
	pid := serverPID(t, folder)
	if err := cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	waitUntil(t, "the folder is gone", func() bool {
		_, err := os.Stat(folder)
		return errors.Is(err, os.ErrNotExist)
	})
	waitUntil(t, "the server is gone", func() bool {
		return errors.Is(syscall.Kill(pid, 0), syscall.ESRCH)
	})
}

func TestSeveralProcessesAtOnce(t *testing.T) {
	t.Parallel()
	postgres.Server(t)
	seen := map[string]bool{}
	for range 3 {
		_, stdin, address := startChild(t)
		defer stdin.Close()
		if err := open(t, address).PingContext(t.Context()); err != nil {
			t.Error(err)
		}
		seen[address] = true
	}
	if len(seen) != 3 {
		t.Errorf("%d different servers, want 3", len(seen))
	}
}

// startChild starts this test binary again as a process with a server of its
// own, and returns the server's address.
func startChild(t *testing.T) (*exec.Cmd, io.Closer, string) {
	t.Helper()
	self, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), self)
	cmd.Env = append(os.Environ(), childVariable+"=1")
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		stdin.Close()
		cmd.Wait() // some tests kill it
	})
	lines := bufio.NewScanner(stdout)
	if !lines.Scan() {
		t.Fatal("the child process ended without a server")
	}
	return cmd, stdin, lines.Text()
}

// TestRestart: what was committed is there after a restart of either kind, the
// process is another, and the server still ends with its Stop.
func TestRestart(t *testing.T) {
	t.Parallel()
	postgres.Server(t)
	server, err := Start(t.Context(), "synchronous_commit=on")
	if err != nil {
		t.Fatal(err)
	}
	defer server.Stop()
	url := server.URL("postgres")
	mustExec(t, open(t, url), "CREATE TABLE kept (x int)")
	for i, mode := range []Mode{Fast, Immediate, Immediate, Fast} {
		held := open(t, url)
		mustExec(t, held, "INSERT INTO kept VALUES (1)")
		before := serverPID(t, server.folder)
		if err := server.Restart(t.Context(), mode); err != nil {
			t.Fatal(err)
		}
		if after := serverPID(t, server.folder); after == before {
			t.Errorf("restart %d: the process is the same", i)
		}
		if got := scan[int](t, open(t, url), "SELECT count(*) FROM kept"); got != i+1 {
			t.Errorf("restart %d: %d rows", i, got)
		}
	}
	pid := serverPID(t, server.folder)
	if err := server.Stop(); err != nil {
		t.Fatal(err)
	}
	if err := syscall.Kill(pid, 0); !errors.Is(err, syscall.ESRCH) {
		t.Errorf("the server after Stop: %v", err)
	}
}

func folderOf(t *testing.T, address string) string {
	t.Helper()
	u, err := url.Parse(address)
	if err != nil {
		t.Fatal(err)
	}
	return u.Query().Get("host")
}

func serverPID(t *testing.T, folder string) int {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(folder, "data", "postmaster.pid"))
	if err != nil {
		t.Fatal(err)
	}
	first, _, _ := strings.Cut(string(text), "\n")
	pid, err := strconv.Atoi(first)
	if err != nil {
		t.Fatal(err)
	}
	return pid
}

// waitUntil polls what only the outside world can tell.
func waitUntil(t *testing.T, what string, reached func() bool) {
	t.Helper()
	deadline := time.After(30 * time.Second)
	retry := time.NewTicker(10 * time.Millisecond)
	defer retry.Stop()
	for !reached() {
		select {
		case <-deadline:
			t.Fatalf("waited in vain until %s", what)
		case <-retry.C:
		}
	}
}
