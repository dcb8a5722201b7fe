package eventlog_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net"
	"net/url"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	entsql "entgo.io/ent/dialect/sql"

	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/eventlog"
	"github.com/mark-analyst/mark/store"
	"github.com/mark-analyst/mark/store/storetest"
)

// lostAfter commits and loses the answer; lostBefore loses the question.
func lostAfter(tx *entsql.Tx) error  { return errors.Join(tx.Commit(), io.ErrUnexpectedEOF) }
func lostBefore(tx *entsql.Tx) error { return errors.Join(tx.Rollback(), io.ErrUnexpectedEOF) }

// TestCommitWithoutAnswer: when the connection is lost during a commit, every
// call is told what became of its entries, and they are written once or not at
// all.
func TestCommitWithoutAnswer(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		spy := newSpy(db)
		l := db.log(t, spy.use)
		touch := func(ctx context.Context, tx *ent.Tx) error { return nil }
		for name, call := range map[string]func(w eventlog.Writer) ([]eventlog.Event, error){
			"append": func(w eventlog.Writer) ([]eventlog.Event, error) {
				return l.Append(t.Context(), w, texts(2, 2)...)
			},
			"with a change": func(w eventlog.Writer) ([]eventlog.Event, error) {
				return l.AppendWith(t.Context(), w, touch, texts(2, 2)...)
			},
			"final": func(w eventlog.Writer) ([]eventlog.Event, error) {
				return l.AppendFinal(t.Context(), w, finish(w.RunID), texts(2, 1)[0], finished)
			},
		} {
			t.Run(name, func(t *testing.T) {
				w := db.newRun(t)
				_, err := l.Append(t.Context(), w, texts(1, 1)...)
				must(t, err)
				spy.onCommit(lostBefore)
				if _, err := call(w); !errors.Is(err, io.ErrUnexpectedEOF) || errors.Is(err, eventlog.ErrUncertain) {
					t.Errorf("lost before: %v", err)
				}
				if n := count(t, db, w.RunID); n != 1 {
					t.Fatalf("lost before: %d events", n)
				}
				spy.onCommit(lostAfter)
				events, err := call(w)
				spy.onCommit(nil)
				must(t, err)
				seqs(t, events, 2, 3)
				if n := count(t, db, w.RunID); n != 3 {
					t.Errorf("lost after: %d events", n)
				}
				seqs(t, collect(t, l, w.RunID, 0, 3), 1, 3)
			})
		}
	})
}

// TestCommitWithoutAnswerInAGroup: nothing of a flush is written twice, also
// when it has to be divided.
func TestCommitWithoutAnswerInAGroup(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		for name, commit := range map[string]func(*entsql.Tx) error{"before": lostBefore, "after": lostAfter} {
			t.Run(name, func(t *testing.T) {
				g := newGroup(t, db)
				runs := []eventlog.Writer{db.newRun(t), db.newRun(t), db.newRun(t), db.newRun(t)}
				db.claim(t, runs[3])
				var answers []chan answer
				for _, w := range runs {
					answers = append(answers, g.append(w, texts(1, 1)...), g.append(w, texts(2, 1)...))
				}
				lost := false
				g.spy.onCommit(func(tx *entsql.Tx) error {
					if g.spy.begun.Load() == 2 && !lost { // the group's first
						lost = true
						return commit(tx)
					}
					return tx.Commit()
				})
				g.open()
				for i, done := range answers {
					a := hear(t, done)
					if i >= 6 {
						if !errors.Is(a.err, eventlog.ErrFenced) {
							t.Errorf("the run that was lost: %v", a.err)
						}
						continue
					}
					must(t, a.err)
					seqs(t, a.events, 1+i%2, 1+i%2)
				}
				if !lost {
					t.Fatal("no commit was lost")
				}
				for i, w := range runs {
					if n := count(t, db, w.RunID); n != 2 && i < 3 {
						t.Errorf("run %d has %d events", i, n)
					}
				}
			})
		}
	})
}

// TestCommitThatCannotBeSettled: what leaves no trace is uncertain, and a run
// that another has since is lost.
func TestCommitThatCannotBeSettled(t *testing.T) {
	each(t, func(t *testing.T, db database) {
		spy, w := newSpy(db), db.newRun(t)
		l := db.log(t, spy.use)
		spy.onCommit(lostAfter)
		for name, call := range map[string]func() ([]eventlog.Event, error){
			"nothing": func() ([]eventlog.Event, error) { return l.Append(t.Context(), w) },
			"only a change": func() ([]eventlog.Event, error) {
				return l.AppendWith(t.Context(), w, func(context.Context, *ent.Tx) error { return nil })
			},
		} {
			if _, err := call(); !errors.Is(err, eventlog.ErrUncertain) {
				t.Errorf("%s: %v", name, err)
			}
		}
		spy.onCommit(func(tx *entsql.Tx) error {
			must(t, tx.Commit())
			db.claim(t, w)
			return io.ErrUnexpectedEOF
		})
		if _, err := l.Append(t.Context(), w, texts(1, 1)...); !errors.Is(err, eventlog.ErrFenced) {
			t.Errorf("a run that was claimed meanwhile: %v", err)
		}
	})
}

// TestConnectionCutAtCommit: the same with PostgreSQL, whose connection is cut
// as the commit passes, and as its answer does.
func TestConnectionCutAtCommit(t *testing.T) {
	db := postgres(t)
	proxy := newCutter(t, db.url)
	through := storetest.Open(t, store.Config{URL: proxy.url})
	l := db.log(t, func(c *eventlog.Config) { c.Client = through.Client })
	touch := func(context.Context, *ent.Tx) error { return nil }
	for name, call := range map[string]func(w eventlog.Writer) ([]eventlog.Event, error){
		"append": func(w eventlog.Writer) ([]eventlog.Event, error) { return l.Append(t.Context(), w, texts(1, 2)...) },
		"with a change": func(w eventlog.Writer) ([]eventlog.Event, error) {
			return l.AppendWith(t.Context(), w, touch, texts(1, 2)...)
		},
	} {
		t.Run(name, func(t *testing.T) {
			w := db.newRun(t)
			proxy.cut(before)
			if _, err := call(w); err == nil || errors.Is(err, eventlog.ErrUncertain) || count(t, db, w.RunID) != 0 {
				t.Errorf("cut before: %v, %d events", err, count(t, db, w.RunID))
			}
			proxy.cut(after)
			events, err := call(w)
			must(t, err)
			seqs(t, events, 1, 2)
			if n := count(t, db, w.RunID); n != 2 {
				t.Errorf("cut after: %d events", n)
			}
			if proxy.armed.Load() != 0 {
				t.Error("nothing was cut")
			}
		})
	}
}

// TestVanishedWriterLetsGo: the database keeps a run locked for a writer that is
// silent in the midst of a transaction no longer than the writer's lease.
func TestVanishedWriterLetsGo(t *testing.T) {
	db := postgres(t)
	spy, w := newSpy(db), db.newRun(t)
	l := db.log(t, spy.use)
	var patience string
	spy.onCommit(func(tx *entsql.Tx) error {
		rows, err := tx.QueryContext(t.Context(), "SHOW idle_in_transaction_session_timeout")
		must(t, err)
		defer rows.Close()
		for rows.Next() {
			must(t, rows.Scan(&patience))
		}
		must(t, errors.Join(rows.Err(), rows.Close()))
		return tx.Commit()
	})
	_, err := l.Append(t.Context(), w, texts(1, 1)...)
	must(t, err)
	if patience != "6s" {
		t.Errorf("it waits %q", patience)
	}
}

const (
	before = 1 + iota // cut instead of passing the commit on
	after             // cut instead of passing its answer on
)

// cutter is a TCP proxy before PostgreSQL that cuts a connection at a commit.
type cutter struct {
	url   string
	to    string       // PostgreSQL's socket
	armed atomic.Int32 // before or after; 0: everything passes
}

func newCutter(t *testing.T, to string) *cutter {
	t.Helper()
	u, err := url.Parse(to)
	must(t, err)
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	must(t, err)
	query := u.Query()
	p := &cutter{to: filepath.Join(query.Get("host"), ".s.PGSQL.5432")} // as testpg has it
	query.Del("host")
	u.Host, u.RawQuery = listener.Addr().String(), query.Encode()
	p.url = u.String()
	var done sync.WaitGroup
	done.Go(func() {
		for {
			client, err := listener.Accept()
			if err != nil {
				return
			}
			done.Go(func() { p.serve(client) })
		}
	})
	t.Cleanup(func() {
		listener.Close()
		done.Wait()
	})
	return p
}

func (p *cutter) cut(when int32) { p.armed.Store(when) }

func (p *cutter) serve(client net.Conn) {
	defer client.Close()
	server, err := net.Dial("unix", p.to)
	if err != nil {
		return
	}
	defer server.Close()
	var committing atomic.Bool // with after: the answer that comes next is not passed on
	var back sync.WaitGroup
	defer back.Wait()
	defer server.Close()
	back.Go(func() {
		defer client.Close()
		pass(client, server, func([]byte) bool {
			return !committing.Load() || !p.armed.CompareAndSwap(after, 0)
		})
	})
	pass(server, client, func(data []byte) bool {
		if !bytes.Contains(data, []byte("commit\x00")) {
			return true
		}
		committing.Store(true)
		return !p.armed.CompareAndSwap(before, 0)
	})
}

// pass copies until it is at an end or goOn says no to what was read.
func pass(to io.Writer, from io.Reader, goOn func([]byte) bool) {
	buffer := make([]byte, 64<<10)
	for {
		n, err := from.Read(buffer)
		if err != nil || !goOn(buffer[:n]) {
			return
		}
		if _, err := to.Write(buffer[:n]); err != nil {
			return
		}
	}
}
