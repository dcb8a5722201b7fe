package main

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"io"
	"math/rand/v2"
	"os"
	"path/filepath"
	"slices"
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
	random *rand.Rand
	people int // in a round
	made   int // of them, up to now
	asked  int // questions, up to now

	folder    string
	crashFile string // what is written here makes a node end, see package crashpoint
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
	if a.folder, err = os.MkdirTemp("", "mark-faults-"); err != nil {
		return nil, err
	}
	a.crashFile = filepath.Join(a.folder, "crash")
	if a.model, err = startModel(ctx, s.course); err != nil {
		return nil, err
	}
	env := append(a.model.env(),
		"MARK_SANDBOX_LAUNCHER="+s.launcher, "MARK_SANDBOX_POOL=0",
		"MARK_LIMIT_CONCURRENT_RUNS=8", "MARK_LIMIT_RUNS_PER_USER=8", "MARK_LIMIT_LIVE_SESSIONS=2",
		"MARK_TITLES=false", // one more request of a chat, which would pass for a repetition
		"MARK_WITHOUT="+s.without, "MARK_CRASH_FILE="+a.crashFile, "MARK_LOG_FORMAT=json",
	)
	if a.Cluster, err = cluster.Start(ctx, cluster.Config{Nodes: s.nodes, Binary: s.binary, SandboxDir: s.sandbox, Env: env, Output: s.output}); err != nil {
		return nil, err
	}
	if a.db, err = open(a.Postgres.URL("postgres")); err != nil {
		return nil, err
	}
	a.people = s.people
	return a, nil
}

// gather makes people: new ones for each round, for they stay signed in for a
// quarter of an hour only.
func (a *arena) gather(ctx context.Context) (people []*person, err error) {
	for range a.people {
		a.made++
		p, err := signUp(ctx, a.Balancer.URL(), "person"+letters(a.made))
		if err != nil {
			return nil, err
		}
		people = append(people, p)
	}
	return people, nil
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
	if a.folder != "" {
		errs = append(errs, os.RemoveAll(a.folder))
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
	l := &load{random: a.random, name: func() string { a.asked++; return letters(a.asked) }}
	r := &round{arena: a, load: l}
	defer r.tidy()
	if f.before != nil {
		if err := f.before(ctx, r); err != nil {
			return findings{}, fmt.Errorf("prepare: %w", err)
		}
	}
	var err error
	if l.people, err = a.gather(ctx); err != nil {
		return findings{}, err
	}
	if f.first != nil {
		if err := f.first(ctx, r); err != nil {
			return findings{}, err
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
	if err := f.happen(ctx, r); err != nil {
		cancel()
		l.work.Wait()
		return findings{}, err
	}
	l.work.Wait()
	if f.after != nil {
		if err := f.after(r); err != nil {
			return findings{}, err
		}
	}
	found, err := (&auditor{r.audited(), a.model}).audit(context.WithoutCancel(ctx), l.all())
	found.facts = r.facts
	return found, err
}

// whole makes everything run and be ready.
func (a *arena) whole(ctx context.Context) error {
	for _, n := range a.Nodes {
		n.Database.Mend()
		if !n.Running() {
			if err := n.Start(ctx); err != nil {
				return err
			}
		}
		if err := n.AwaitReady(ctx); err != nil {
			return err
		}
	}
	var addrs []string
	for _, n := range a.Nodes {
		addrs = append(addrs, n.Addr)
	}
	return a.found(ctx, addrs...)
}

// found waits until the balancer knows that just these nodes are ready.
func (a *arena) found(ctx context.Context, addrs ...string) error {
	slices.Sort(addrs)
	for {
		if ready := a.Balancer.Ready(); slices.Equal(slices.Sorted(slices.Values(ready)), addrs) {
			return nil
		}
		if err := rest(ctx, 50*time.Millisecond); err != nil {
			return err
		}
	}
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

// running is a node that runs.
func (a *arena) running() *cluster.Node {
	for _, n := range a.Nodes {
		if n.Running() {
			return n
		}
	}
	return a.Nodes[0]
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
