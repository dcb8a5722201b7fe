package store_test

import (
	"context"
	"fmt"
	"slices"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/store"
	"github.com/mark-analyst/mark/store/storetest"
)

func createUser(ctx context.Context, c *ent.UserClient, email string) error {
	return c.Create().SetEmail(email).SetPasswordHash("-").Exec(ctx)
}

// Many transactions at once, each of which also reads outside of itself, on
// fewer connections than there are transactions.
func TestManyWritersWithNestedReads(t *testing.T) {
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	s := storetest.Open(t, store.Config{DataDir: t.TempDir(), MaxConns: 4})
	var writers errgroup.Group
	for w := range 32 {
		writers.Go(func() error {
			for i := range 5 {
				tx, err := s.Client.Tx(ctx)
				if err != nil {
					return err
				}
				if err := createUser(ctx, tx.User, fmt.Sprintf("%d.%d", w, i)); err != nil {
					return err
				}
				if _, err := s.Client.User.Query().Count(ctx); err != nil {
					return err
				}
				if err := tx.Commit(); err != nil {
					return err
				}
			}
			return nil
		})
	}
	if err := writers.Wait(); err != nil {
		t.Fatal(err)
	}
	if n := s.Client.User.Query().CountX(ctx); n != 160 {
		t.Errorf("%d users, want 160", n)
	}
}

// A transaction whose context ended stops nobody, even when its owner forgot
// to end it.
func TestAForgottenTransactionEndsWithItsContext(t *testing.T) {
	s := databases.SQLite(t)
	ctx, cancel := context.WithCancel(t.Context())
	if _, err := s.Client.Tx(ctx); err != nil {
		t.Fatal(err)
	}
	cancel()
	next, stop := context.WithTimeout(t.Context(), 30*time.Second)
	defer stop()
	if err := createUser(next, s.Client.User, "next"); err != nil {
		t.Error(err)
	}
}

func TestWaitingToWriteEndsWithTheContext(t *testing.T) {
	s := databases.SQLite(t)
	tx, err := s.Client.Tx(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	defer tx.Rollback() // the end of the test
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	for name, write := range map[string]func() error{
		"create": func() error { return createUser(ctx, s.Client.User, "a") },
		"exec":   func() error { _, err := s.Client.ExecContext(ctx, "DELETE FROM users"); return err },
		"tx":     func() error { _, err := s.Client.Tx(ctx); return err },
	} {
		start := time.Now()
		if err := write(); err == nil {
			t.Errorf("%s did not wait for the transaction", name)
		}
		if waited := time.Since(start); waited > 5*time.Second {
			t.Errorf("%s waited %v beyond its context", name, waited)
		}
	}
}

// A failed statement, a refused insert and a closed transaction all give the
// turn back: the next writer gets through.
func TestEveryEndGivesTheTurnBack(t *testing.T) {
	s := databases.SQLite(t)
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if err := createUser(ctx, s.Client.User, "same"); err != nil {
		t.Fatal(err)
	}
	for range 2 {
		if err := createUser(ctx, s.Client.User, "same"); !ent.IsConstraintError(err) {
			t.Fatalf("error %v", err)
		}
		if _, err := s.Client.ExecContext(ctx, "DELETE FROM nothing"); err == nil {
			t.Fatal("no error")
		}
		// An insert that returns its id reads rows while it writes.
		rows, err := s.Client.QueryContext(ctx, "INSERT INTO nothing VALUES (1) RETURNING id") //nolint:rowserrcheck // there are none
		if err == nil {
			rows.Close() //nolint:sqlclosecheck // it ends here
			t.Fatal("no error")
		}
		tx, err := s.Client.Tx(ctx)
		if err != nil {
			t.Fatal(err)
		}
		if err := tx.Rollback(); err != nil {
			t.Fatal(err)
		}
	}
	if err := createUser(ctx, s.Client.User, "other"); err != nil {
		t.Error(err)
	}
}

// BenchmarkWriters shows the longest that one of 32 writers waits: in turn
// (ent) and by polling (past it).
func BenchmarkWriters(b *testing.B) {
	const writers, each = 32, 20
	for _, kind := range []string{"in turn", "polling"} {
		b.Run(kind, func(b *testing.B) {
			s := databases.SQLite(b)
			ctx := b.Context()
			var waits []time.Duration
			for n := 0; b.Loop(); n++ {
				all := make([][]time.Duration, writers)
				var group errgroup.Group
				for w := range writers {
					group.Go(func() error {
						for i := range each {
							start := time.Now()
							id := fmt.Sprintf("%d.%d.%d", n, w, i)
							const insert = "INSERT INTO users (id, created_at, updated_at, email, password_hash) VALUES (?, ?, ?, ?, '')"
							var err error
							if kind == "polling" {
								_, err = s.DB.ExecContext(ctx, insert, id, start, start, id)
							} else {
								_, err = s.Client.ExecContext(ctx, insert, id, start, start, id)
							}
							if err != nil {
								return err
							}
							all[w] = append(all[w], time.Since(start))
						}
						return nil
					})
				}
				if err := group.Wait(); err != nil {
					b.Fatal(err)
				}
				waits = append(waits, slices.Concat(all...)...)
			}
			slices.Sort(waits)
			b.ReportMetric(float64(waits[len(waits)/2].Microseconds())/1000, "p50-ms")
			b.ReportMetric(float64(waits[len(waits)*99/100].Microseconds())/1000, "p99-ms")
			b.ReportMetric(float64(waits[len(waits)-1].Microseconds())/1000, "max-ms")
		})
	}
}
