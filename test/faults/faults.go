package main

import (
	"context"
	"database/sql"
	"fmt"
	"slices"
	"time"

	"github.com/mark-analyst/mark/internal/crashpoint"
	"github.com/mark-analyst/mark/internal/testpg"
	"github.com/mark-analyst/mark/test/cluster"
)

// fault is something that goes wrong.
type fault struct {
	name   string
	before func(ctx context.Context, r *round) error // prepares it; nil: nothing to prepare
	first  func(ctx context.Context, r *round) error // what people do before they ask; nil: nothing
	atOnce bool                                      // it happens by itself, from the first question on
	after  func(r *round) error                      // looks at what people have met; nil: there is nothing special
	happen func(ctx context.Context, r *round) error
}

// round is one fault among people at work.
type round struct {
	*arena
	*load
	facts []string // for people, whatever came of it
	undo  []func() // at the end, the last first
	stead *sql.DB  // where runs are stored instead; nil: in the cluster's database
}

// tidy undoes what a fault has left to be undone.
func (r *round) tidy() {
	for _, undo := range slices.Backward(r.undo) {
		undo()
	}
}

// audited is the database that is looked at.
func (r *round) audited() *sql.DB {
	if r.stead != nil {
		return r.stead
	}
	return r.arena.db
}

func (r *round) note(format string, args ...any) {
	r.facts = append(r.facts, fmt.Sprintf(format, args...))
}

// toBusiest does something to the node that works on the most runs.
func toBusiest(do func(ctx context.Context, r *round, n *cluster.Node) error) func(context.Context, *round) error {
	return func(ctx context.Context, r *round) error {
		n, err := r.busiest(ctx)
		if err != nil {
			return err
		}
		return do(ctx, r, n)
	}
}

// How long things last. A lease is 6 seconds.
const (
	pauseTime = 8500 * time.Millisecond
	cutTime   = 12 * time.Second
	holeTime  = 15 * time.Second
	awayTime  = 6 * time.Second
	goneTime  = 3 * time.Second // until a node that was killed is started again
)

// during does something to a node's way to the database for a while.
func during(d time.Duration, do func(*cluster.Link)) func(context.Context, *round) error {
	return toBusiest(func(ctx context.Context, _ *round, n *cluster.Node) error {
		do(n.Database)
		defer n.Database.Mend()
		return rest(ctx, d)
	})
}

// restart restarts PostgreSQL.
func restart(mode testpg.Mode) func(context.Context, *round) error {
	return func(ctx context.Context, r *round) error { return r.Postgres.Restart(ctx, mode) }
}

// faults are all of them, in the order in which they happen.
func faults() []fault {
	return []fault{
		{name: "none", happen: func(context.Context, *round) error { return nil }},
		{name: "kill -9, started again", happen: toBusiest(func(ctx context.Context, _ *round, n *cluster.Node) error {
			if err := n.Kill(); err != nil {
				return err
			}
			if err := rest(ctx, goneTime); err != nil {
				return err
			}
			return n.Start(ctx)
		})},
		{name: "kill -9, and no more", happen: toBusiest(func(_ context.Context, _ *round, n *cluster.Node) error { return n.Kill() })},
		{name: "kill -9, two of three", happen: killAllButOne},
		{name: "paused 8.5 s", happen: toBusiest(func(ctx context.Context, _ *round, n *cluster.Node) error {
			if err := n.Pause(); err != nil {
				return err
			}
			if err := rest(ctx, pauseTime); err != nil {
				return err
			}
			return n.Resume()
		})},
		{name: "cut from PostgreSQL 12 s", happen: during(cutTime, (*cluster.Link).Cut)},
		{name: "black hole 15 s", happen: during(holeTime, (*cluster.Link).BlackHole)},
		{name: "all cut from PostgreSQL 6 s", happen: cutAll},
		{name: "PostgreSQL restarts, fast", happen: restart(testpg.Fast)},
		{name: "PostgreSQL restarts, immediate", happen: restart(testpg.Immediate)},
		{name: "listeners killed", happen: killListeners},
		{name: "notifications lost 15 s", happen: loseNotifications},
		crash(crashpoint.SentNotEnqueued),
		crash(crashpoint.RepliedNotStarted),
		crash(crashpoint.RanNotStored),
		crash(crashpoint.EndedNotCompleted),
		slowConsumer(),
		{name: "jobs twice", happen: jobsTwice},
		{name: "stopped through another node", happen: stopElsewhere},
		{name: "clocks jump 5 min", happen: clocksJump},
		diskFull(),
		{name: "SIGTERM, started again", happen: toBusiest(func(ctx context.Context, r *round, n *cluster.Node) error {
			began := time.Now()
			if err := n.Stop(ctx); err != nil {
				return err
			}
			r.note("the node ended within %s", time.Since(began).Round(time.Millisecond))
			return n.Start(ctx)
		})},
		{name: "a deploy, node by node", happen: deploy},
	}
}

// killAllButOne leaves the node that works on the fewest runs.
func killAllButOne(ctx context.Context, r *round) error {
	for range len(r.Nodes) - 1 {
		n, err := r.busiest(ctx)
		if err != nil {
			return err
		}
		if !n.Running() {
			n = r.running()
		}
		if err := n.Kill(); err != nil {
			return err
		}
	}
	return nil
}

// cutAll is the database's being away for everybody.
func cutAll(ctx context.Context, r *round) error {
	for _, n := range r.Nodes {
		n.Database.Cut()
		defer n.Database.Mend()
	}
	return rest(ctx, awayTime)
}

// deploy ends one node after the other as an operator does, and starts it again,
// while questions come.
func deploy(ctx context.Context, r *round) error {
	for _, n := range r.Nodes {
		if err := n.Stop(ctx); err != nil {
			return err
		}
		if err := n.Start(ctx); err != nil {
			return err
		}
		r.one(ctx, r.load.people[0], "")
	}
	return nil
}

// killListeners ends the connections that LISTEN, again and again.
func killListeners(ctx context.Context, r *round) error {
	for range 40 {
		if _, err := r.db.ExecContext(ctx, `SELECT pg_terminate_backend(pid) FROM pg_stat_activity
			WHERE query ILIKE 'listen %' AND pid <> pg_backend_pid()`); err != nil {
			return err
		}
		if err := rest(ctx, 250*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}

// loseNotifications has all nodes hear nothing of each other.
func loseNotifications(ctx context.Context, r *round) error {
	for _, n := range r.Nodes {
		n.Database.Deafen()
		defer n.Database.Mend()
	}
	return rest(ctx, holeTime)
}
