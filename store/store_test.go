package store_test

import (
	"context"
	"database/sql"
	"errors"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"

	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/user"
	"github.com/mark-analyst/mark/store"
	"github.com/mark-analyst/mark/store/storetest"
)

var databases storetest.Databases

func TestMain(m *testing.M) { databases.Main(m) }

func TestOpenWantsAGuard(t *testing.T) {
	if _, err := store.Open(t.Context(), store.Config{DataDir: t.TempDir()}); err == nil {
		t.Error("a client came about that nobody guards")
	}
	var guarded *ent.Client
	s := storetest.Open(t, store.Config{DataDir: t.TempDir(), Guard: func(c *ent.Client) { guarded = c }})
	if guarded != s.Client {
		t.Error("the guard was not applied to the client")
	}
}

func TestDialect(t *testing.T) {
	if got := databases.SQLite(t).Dialect; got != dialect.SQLite {
		t.Errorf("got %q", got)
	}
	if got := databases.Postgres(t).Dialect; got != dialect.Postgres {
		t.Errorf("got %q", got)
	}
}

func TestOpenSaysWhatIsWrong(t *testing.T) {
	const password = "p4ss/w:rd"
	folder := t.TempDir()
	file := filepath.Join(folder, "file")
	write(t, file, "")
	inTheWay := filepath.Join(folder, "inTheWay")
	if err := os.MkdirAll(filepath.Join(inTheWay, store.File), 0o700); err != nil {
		t.Fatal(err)
	}
	garbage := filepath.Join(folder, "garbage")
	if err := os.Mkdir(garbage, 0o700); err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(garbage, store.File), strings.Repeat("this is no database", 1000))
	closed := listenAndClose(t)
	escaped := url.QueryEscape(password)

	for _, c := range []struct {
		name   string
		config store.Config
		want   string
	}{
		{"nothing set", store.Config{}, "neither"},
		{"no scheme", store.Config{URL: "user:" + password + "@host/mark"}, "no scheme"},
		{"wrong scheme", store.Config{URL: "mysql://user:" + escaped + "@host/mark"}, `scheme "mysql"`},
		{"not a URL", store.Config{URL: "postgres://user:" + password + "@ho st/mark"}, "cannot be read"},
		{"bad port", store.Config{URL: "postgres://user:" + password + "@host:port/mark"}, "cannot be read"},
		{"bad setting", store.Config{URL: "postgres://user:" + escaped + "@host/mark?sslmode=maybe"}, "sslmode"},
		{"nobody there", store.Config{URL: "postgres://user:" + escaped + "@" + closed + "/mark?sslmode=disable"}, "cannot be reached"},
		{"password as a setting", store.Config{URL: "postgres://" + closed + "/mark?sslmode=disable&password=" + escaped}, "cannot be reached"},
		{"data folder is a file", store.Config{DataDir: file}, "make the data folder"},
		{"folder in the file's place", store.Config{DataDir: inTheWay}, "must be readable and writable"},
		{"not a database", store.Config{DataDir: garbage}, "is not an SQLite database"},
	} {
		t.Run(c.name, func(t *testing.T) {
			c.config.Guard = store.Unguarded
			_, err := store.Open(t.Context(), c.config)
			if err == nil {
				t.Fatal("no error")
			}
			if !strings.Contains(err.Error(), c.want) {
				t.Errorf("%q does not say %q", err, c.want)
			}
			for _, secret := range []string{password, escaped, "p4ss"} {
				if strings.Contains(err.Error(), secret) {
					t.Errorf("%q gives the password away", err)
				}
			}
		})
	}
}

func TestOpenSaysThatTheDatabaseIsMissing(t *testing.T) {
	address := databases.Server(t).URL("nowhere")
	_, err := store.Open(t.Context(), store.Config{URL: address, Guard: store.Unguarded})
	if err == nil || !strings.Contains(err.Error(), "no such database") {
		t.Errorf("error %v", err)
	}
}

func TestFilesAreNobodyElses(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "data")
	storetest.Open(t, store.Config{DataDir: folder})
	for path, want := range map[string]os.FileMode{
		folder: 0o700, filepath.Join(folder, store.File): 0o600, filepath.Join(folder, store.File+"-wal"): 0o600,
	} {
		info, err := os.Stat(path)
		if err != nil {
			t.Fatal(err)
		}
		if got := info.Mode().Perm(); got != want {
			t.Errorf("%s has mode %o, want %o", filepath.Base(path), got, want)
		}
	}
}

func TestAFolderOfAnyName(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "a b?c#d%41&é")
	s := storetest.Open(t, store.Config{DataDir: folder})
	if _, err := os.Stat(filepath.Join(folder, store.File)); err != nil {
		t.Error(err)
	}
	if n := s.Client.User.Query().CountX(t.Context()); n != 0 {
		t.Errorf("%d users", n)
	}
}

func TestSQLiteSettingsHoldOnEveryConnection(t *testing.T) {
	s := databases.SQLite(t)
	ctx := t.Context()
	var connections []*sql.Conn
	for range 5 {
		conn, err := s.DB.Conn(ctx)
		if err != nil {
			t.Fatal(err)
		}
		defer conn.Close()
		connections = append(connections, conn)
	}
	for pragma, want := range map[string]string{
		"journal_mode": "wal", "foreign_keys": "1", "synchronous": "1", "busy_timeout": "10000", "temp_store": "2", "wal_autocheckpoint": "4000",
	} {
		for i, conn := range connections {
			var got string
			if err := conn.QueryRowContext(ctx, "PRAGMA "+pragma).Scan(&got); err != nil {
				t.Fatal(err)
			}
			if got != want {
				t.Errorf("connection %d: %s = %s, want %s", i, pragma, got, want)
			}
		}
	}
}

func TestAVanishedClientKeepsNoLocks(t *testing.T) {
	var limit string
	if err := databases.Postgres(t).DB.QueryRowContext(t.Context(), "SHOW idle_in_transaction_session_timeout").Scan(&limit); err != nil {
		t.Fatal(err)
	}
	if limit != "10s" {
		t.Errorf("a transaction may be silent for %s", limit)
	}
}

func TestTimesReadBackAsWritten(t *testing.T) {
	databases.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		abroad := time.FixedZone("abroad", -5*3600-1800)
		for i, at := range []time.Time{
			time.Date(2026, 1, 2, 3, 4, 5, 0, time.UTC),
			time.Date(2026, 1, 2, 3, 4, 5, 678901000, time.UTC),
			time.Date(2026, 1, 2, 3, 4, 5, 100000000, time.UTC),
			time.Date(2026, 7, 2, 3, 4, 5, 1000, abroad),
			time.Date(1969, 12, 31, 23, 59, 59, 999999000, time.UTC),
		} {
			made := s.Client.User.Create().SetEmail(string(rune('a' + i))).SetPasswordHash("-").SetCreatedAt(at).SaveX(ctx)
			got := s.Client.User.GetX(ctx, made.ID).CreatedAt
			if got != at.UTC() {
				t.Errorf("wrote %v, read %v", at, got)
			}
			if n := s.Client.User.Query().Where(user.CreatedAt(at)).CountX(ctx); n != 1 {
				t.Errorf("%v is found %d times", at, n)
			}
		}
		// Whole seconds, fractions and years before 1970 sort as times do.
		var last time.Time
		for i, u := range s.Client.User.Query().Order(user.ByCreatedAt()).AllX(ctx) {
			if i > 0 && !u.CreatedAt.After(last) {
				t.Errorf("%v comes after %v", u.CreatedAt, last)
			}
			last = u.CreatedAt
		}
		var newest []struct{ Max time.Time }
		if err := s.Client.User.Query().Aggregate(ent.Max(user.FieldCreatedAt)).Scan(ctx, &newest); err != nil {
			t.Fatal(err)
		}
		if len(newest) != 1 || !newest[0].Max.Equal(last) {
			t.Errorf("the newest is %v, want %v", newest, last)
		}
	})
}

func TestTx(t *testing.T) {
	insert := func(ctx context.Context, tx *sql.Tx, id string) error {
		_, err := tx.ExecContext(ctx, "INSERT INTO users (id, created_at, updated_at, email, password_hash) VALUES ('"+id+
			"', '2026-01-02 03:04:05+00:00', '2026-01-02 03:04:05+00:00', '"+id+"', '')")
		return err
	}
	databases.Each(t, func(t *testing.T, s *store.Store) {
		ctx := t.Context()
		if err := s.Tx(ctx, func(tx *sql.Tx) error { return insert(ctx, tx, "kept") }); err != nil {
			t.Fatal(err)
		}
		failure := errors.New("no")
		if err := s.Tx(ctx, func(tx *sql.Tx) error { return errors.Join(failure, insert(ctx, tx, "undone")) }); !errors.Is(err, failure) {
			t.Errorf("Tx = %v", err)
		}
		func() {
			defer func() { _ = recover() }()
			_ = s.Tx(ctx, func(tx *sql.Tx) error { _ = insert(ctx, tx, "panicked"); panic("no") })
			t.Error("the panic was swallowed")
		}()
		if got := s.Client.User.Query().IDsX(ctx); len(got) != 1 || got[0] != "kept" {
			t.Errorf("stored %v", got)
		}
	})
}

func TestClosingTwice(t *testing.T) {
	s, err := store.Open(t.Context(), store.Config{DataDir: t.TempDir(), Guard: store.Unguarded})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(s.Close(), s.Close()); err != nil {
		t.Error(err)
	}
}

func TestReadOnlyTransactionsDoNotWait(t *testing.T) {
	databases.Each(t, func(t *testing.T, s *store.Store) {
		ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
		defer cancel()
		writer, err := s.Client.Tx(ctx)
		if err != nil {
			t.Fatal(err)
		}
		defer writer.Rollback() // the end of the test
		reader, err := s.Client.BeginTx(ctx, &entsql.TxOptions{ReadOnly: true})
		if err != nil {
			t.Fatal(err)
		}
		if _, err := reader.User.Query().Count(ctx); err != nil {
			t.Error(err)
		}
		if err := reader.Rollback(); err != nil {
			t.Error(err)
		}
	})
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
}

// listenAndClose returns an address where nobody listens.
func listenAndClose(t *testing.T) string {
	t.Helper()
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close()
	return l.Addr().String()
}

// A pool whose connections are all in use is no database that is away.
func TestReadyBesideABusyPool(t *testing.T) {
	databases.Each(t, func(t *testing.T, s *store.Store) {
		s.DB.SetMaxOpenConns(1)
		busy, err := s.DB.Conn(t.Context())
		if err != nil {
			t.Fatal(err)
		}
		ctx, cancel := context.WithTimeout(t.Context(), 10*time.Second)
		defer cancel()
		if err := s.Ready(ctx); err != nil {
			t.Error(err)
		}
		if err := busy.Close(); err != nil {
			t.Error(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
		if s.Ready(t.Context()) == nil {
			t.Error("a closed database is ready")
		}
	})
}
