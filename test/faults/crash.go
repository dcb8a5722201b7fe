package main

import (
	"context"
	"fmt"
	"os"
	"time"

	"github.com/mark-analyst/mark/test/cluster"
)

// crash has the node that first comes to a place end there, and starts it again.
func crash(place string) fault {
	return fault{
		name: "crash: " + place, atOnce: true,
		first: func(_ context.Context, r *round) error {
			r.undo = append(r.undo, func() { os.Remove(r.crashFile) })
			return os.WriteFile(r.crashFile, []byte(place), 0o600)
		},
		happen: func(ctx context.Context, r *round) error {
			victim, err := r.crashed(ctx)
			if err != nil {
				return fmt.Errorf("at the place %s: %w", place, err)
			}
			r.ask(ctx)
			if err := rest(ctx, goneTime); err != nil {
				return err
			}
			return victim.Start(ctx)
		},
	}
}

// crashed waits until a node has ended by itself.
func (a *arena) crashed(ctx context.Context) (*cluster.Node, error) {
	for began := time.Now(); time.Since(began) < middleTime; {
		for _, n := range a.Nodes {
			if !n.Running() {
				return n, nil
			}
		}
		if err := rest(ctx, 10*time.Millisecond); err != nil {
			return nil, err
		}
	}
	return nil, fmt.Errorf("no node has ended within %s", middleTime)
}
