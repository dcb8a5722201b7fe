package main

import (
	"context"
	"fmt"
	"time"
)

// stopWithin is how soon the model must be left alone after a stop.
const stopWithin = time.Second

// stopElsewhere stops runs through nodes that do not work on them, twice, and
// measures when that has reached the call of the model.
func stopElsewhere(ctx context.Context, r *round) error {
	longest := time.Duration(0)
	for _, q := range r.all()[:len(r.load.people)] {
		if err := r.writing(ctx, q); err != nil {
			return err
		}
		var name string
		if err := r.db.QueryRowContext(ctx, `SELECT node FROM runs WHERE id = $1`, q.runID).Scan(&name); err != nil {
			return err
		}
		worker, err := r.node(name)
		if err != nil {
			return err
		}
		through := r.other(worker).URL()
		q.stopped = true
		asked := time.Now()
		for range 2 {
			if err := q.person.stop(ctx, through, q.runID); err != nil {
				return err
			}
		}
		for {
			if left, ok := r.model.leftAt(q.name); ok && left.After(asked) {
				longest = max(longest, left.Sub(asked))
				break
			}
			if time.Since(asked) > middleTime {
				return fmt.Errorf("%s was stopped, and the model is still asked", q.name)
			}
			if err := rest(ctx, 5*time.Millisecond); err != nil {
				return err
			}
		}
		if err := q.person.stop(ctx, through, q.runID); err != nil { // it has ended, or is about to
			return err
		}
	}
	r.note("the model was left alone within %s", longest.Round(time.Millisecond))
	if longest > stopWithin {
		return fmt.Errorf("the model was left alone only after %s", longest)
	}
	return nil
}

// writing waits until the model writes an answer to the question.
func (r *round) writing(ctx context.Context, q *question) error {
	for !r.model.writes(q.name) {
		if err := rest(ctx, 5*time.Millisecond); err != nil {
			return err
		}
	}
	return nil
}
