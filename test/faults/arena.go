package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"time"

	"github.com/mark-analyst/mark/test/cluster"
)

// settings are what a round of faults is made with.
type settings struct {
	binary   string // of mark, with the tag faults
	launcher string // of the sandbox
	sandbox  string // folder of the Python runtime
	nodes    int
	people   int
	course   course
	seed     uint64
	output   io.Writer // gets what the nodes print; nil: nobody
	without  string    // the defence that is taken away
}

// arena is a cluster, and people who use it.
type arena struct {
	*cluster.Cluster
	model  *model
	db     *sql.DB
	people []*person
	random *rand.Rand
	asked  int
	clock  string // the file that says how wrong a node's clock is
}

// endTime bounds the end of a cluster.
const endTime = time.Minute

// build starts everything.
func newArena(ctx context.Context, s settings) (_ *arena, err error) {
	a := &arena{random: rand.New(rand.NewPCG(s.seed, 1))}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.close())
		}
	}()
	if a.model, err = startModel(ctx, s.course); err != nil {
		return nil, err
	}
	env := append(a.model.env(),
		"MARK_SANDBOX_LAUNCHER="+s.launcher, "MARK_SANDBOX_POOL=0",
		"MARK_LIMIT_CONCURRENT_RUNS=8", "MARK_LIMIT_RUNS_PER_USER=8", "MARK_LIMIT_LIVE_SESSIONS=2",
		"MARK_WITHOUT="+s.without, "MARK_LOG_FORMAT=json",
	)
	if a.Cluster, err = cluster.Start(ctx, cluster.Config{Nodes: s.nodes, Binary: s.binary, SandboxDir: s.sandbox, Env: env, Output: s.output}); err != nil {
		return nil, err
	}
	if a.db, err = open(a.Postgres.URL("postgres")); err != nil {
		return nil, err
	}
	for i := range s.people {
		p, err := signUp(ctx, a.Balancer.URL(), "person"+letters(i))
		if err != nil {
			return nil, err
		}
		a.people = append(a.people, p)
	}
	return a, nil
}

func (a *arena) close() error {
	ctx, cancel := context.WithTimeout(context.Background(), endTime)
	defer cancel()
	var errs []error
	if a.db != nil {
		errs = append(errs, a.db.Close())
	}
	if a.Cluster != nil {
		errs = append(errs, a.Cluster.Close(ctx))
	}
	if a.model != nil {
		errs = append(errs, a.model.close())
	}
	return errors.Join(errs...)
}

// The bounds of a round: until runs are in their middle, and until all have ended.
const (
	middleTime = time.Minute
	roundTime  = 2 * time.Minute
)

// round lets people work, does the fault in the middle of it, and looks at what
// became of it all. The error is that the fault could not be done.
func (a *arena) round(ctx context.Context, f fault) (findings, error) {
	ctx, cancel := context.WithTimeout(ctx, roundTime)
	defer cancel()
	if err := a.whole(ctx); err != nil {
		return findings{}, err
	}
	l := &load{people: a.people, random: a.random, name: func() string { a.asked++; return letters(a.asked) }}
	r := &round{arena: a, load: l}
	if f.before != nil {
		if err := f.before(ctx, r); err != nil {
			return findings{}, fmt.Errorf("prepare: %w", err)
		}
	}
	l.ask(ctx)
	if !f.atOnce {
		middle, end := context.WithTimeout(ctx, middleTime)
		defer end()
		if err := l.middle(middle); err != nil {
			return findings{}, err
		}
		l.ask(ctx) // these are sent while it happens
	}
	err := f.happen(ctx, r)
	l.work.Wait()
	if err != nil {
		return findings{}, err
	}
	found, err := (&auditor{a.db, a.model}).audit(context.WithoutCancel(ctx), l.all())
	found.notes = append(found.notes, r.notes...)
	return found, err
}

// whole makes everything run and be ready.
func (a *arena) whole(ctx context.Context) error {
	for _, n := range a.Nodes {
		n.Database.Mend()
		n.Set("MARK_CRASH_AT=")
		if !n.Running() {
			if err := n.Start(ctx); err != nil {
				return err
			}
		}
		if err := n.AwaitReady(ctx); err != nil {
			return err
		}
	}
	for len(a.Balancer.Ready()) < len(a.Nodes) {
		if err := rest(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

// busiest is the node that works on the most runs.
func (a *arena) busiest(ctx context.Context) (*cluster.Node, error) {
	var name string
	err := a.db.QueryRowContext(ctx, `SELECT node FROM runs WHERE state = 'RUNNING' AND node IS NOT NULL
		GROUP BY node ORDER BY count(*) DESC LIMIT 1`).Scan(&name)
	if err != nil {
		return nil, fmt.Errorf("find a node that works: %w", err)
	}
	return a.node(name)
}

func (a *arena) node(name string) (*cluster.Node, error) {
	for _, n := range a.Nodes {
		if n.Name == name {
			return n, nil
		}
	}
	return nil, fmt.Errorf("there is no node %s", name)
}

// other is a node that is not this one.
func (a *arena) other(than *cluster.Node) *cluster.Node {
	for _, n := range a.Nodes {
		if n != than {
			return n
		}
	}
	return than
}
