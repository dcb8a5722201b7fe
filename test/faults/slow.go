package main

import (
	"context"
	"fmt"
	"time"

	"github.com/gorilla/websocket"
)

// The codes with which a client's socket ends that does not read: it is told why,
// where it reads again in time, and else it just ends.
const (
	tooSlow  = 4413
	abnormal = websocket.CloseAbnormalClosure
)

// slowConsumer is a client that asks for a lot and does not read it: it must be
// told to resume, and others must not wait for it.
func slowConsumer() fault {
	var loud *question
	var slow *follower
	return fault{
		name: "slow consumer",
		first: func(ctx context.Context, r *round) error {
			loud = r.one(ctx, r.load.people[0], loudly)
			r.work.Wait() // until its run has ended: what it said comes all at once
			return ctx.Err()
		},
		happen: func(ctx context.Context, r *round) error {
			slow = newFollower(loud.person, loud.runID, time.Now())
			slow.slow = true
			r.follow(ctx, loud, slow)
			return nil
		},
		after: func(r *round) error {
			if slow.closes[tooSlow]+slow.closes[abnormal] == 0 {
				return fmt.Errorf("the client that did not read was not cut off: %v", slow.closes)
			}
			r.note("the client that did not read was cut off with %v, and has resumed", slow.closes)
			return nil
		},
	}
}
