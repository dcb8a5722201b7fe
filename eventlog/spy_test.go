package eventlog_test

import (
	"context"
	"sync"
	"sync/atomic"

	"entgo.io/ent/dialect"
	entsql "entgo.io/ent/dialect/sql"

	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/eventlog"
)

// spy is a driver that counts transactions and can hold them up and spoil
// their commits.
type spy struct {
	*entsql.Driver
	begun  atomic.Int64 // transactions that went on
	mu     sync.Mutex
	gate   chan struct{} // where transactions wait before they begin; nil: they do not
	asked  chan struct{} // told of each that comes to the gate
	commit func(tx *entsql.Tx) error
}

func newSpy(db database) *spy {
	return &spy{Driver: entsql.OpenDB(db.Dialect, db.DB), asked: make(chan struct{}, 1000)}
}

// use lets a log work through the spy.
func (s *spy) use(c *eventlog.Config) { c.Client = ent.NewClient(ent.Driver(s)) }

// hold stops transactions from beginning until open is called.
func (s *spy) hold() (open func()) {
	gate := make(chan struct{})
	s.mu.Lock()
	defer s.mu.Unlock()
	s.gate = gate
	return sync.OnceFunc(func() {
		s.mu.Lock()
		defer s.mu.Unlock()
		s.gate = nil
		close(gate)
	})
}

// onCommit replaces the commits to come; nil puts the true one back.
func (s *spy) onCommit(f func(tx *entsql.Tx) error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.commit = f
}

// Tx implements dialect.Driver.
func (s *spy) Tx(ctx context.Context) (dialect.Tx, error) {
	s.mu.Lock()
	gate := s.gate
	s.mu.Unlock()
	if gate != nil {
		s.asked <- struct{}{}
		<-gate
	}
	s.begun.Add(1)
	tx, err := s.Driver.BeginTx(ctx, nil)
	if err != nil {
		return nil, err
	}
	return &spyTx{tx.(*entsql.Tx), s}, nil
}

type spyTx struct {
	*entsql.Tx
	spy *spy
}

// Commit implements dialect.Tx.
func (tx *spyTx) Commit() error {
	tx.spy.mu.Lock()
	commit := tx.spy.commit
	tx.spy.mu.Unlock()
	if commit != nil {
		return commit(tx.Tx)
	}
	return tx.Tx.Commit()
}
