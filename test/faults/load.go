package main

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"sync"
	"time"
)

// question is something that was asked, and everybody who watches the run.
type question struct {
	name   string // what it is called, to the model and as clientMutationId
	person *person
	runID  string
	err    error // why it could not be sent
	// followers are two: one stays as long as it can, the other comes and goes.
	followers []*follower
	stopped   bool // somebody asked for its end
}

// load is what people do while a fault happens.
type load struct {
	people []*person
	random *rand.Rand
	name   func() string // of the next question
	work   sync.WaitGroup

	mu        sync.Mutex // protects the rest
	questions []*question
}

// ask has everybody ask a question in a new chat. It returns at once.
func (l *load) ask(ctx context.Context) {
	for _, p := range l.people {
		l.one(ctx, p, "")
	}
}

// one has a person ask, in a manner of which the model knows.
func (l *load) one(ctx context.Context, p *person, manner string) *question {
	q := &question{name: l.name(), person: p}
	seed := l.random.Uint64()
	l.mu.Lock()
	l.questions = append(l.questions, q)
	l.mu.Unlock()
	l.work.Go(func() {
		runID, err := p.send(ctx, q.name, manner)
		now := time.Now()
		restless := newFollower(p, runID, now)
		restless.random = rand.New(rand.NewPCG(seed, 0))
		l.mu.Lock()
		q.runID, q.err = runID, err
		l.mu.Unlock()
		if err == nil {
			l.follow(ctx, q, newFollower(p, runID, now))
			l.follow(ctx, q, restless)
		}
	})
	return q
}

// all are the questions that were asked up to now.
func (l *load) all() []*question {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]*question(nil), l.questions...)
}

// follow adds a follower to a question.
func (l *load) follow(ctx context.Context, q *question, f *follower) {
	l.mu.Lock()
	q.followers = append(q.followers, f)
	l.mu.Unlock()
	l.work.Go(func() { f.follow(ctx) })
}

// watched are those who follow the question's run up to now.
func (l *load) watched(q *question) []*follower {
	l.mu.Lock()
	defer l.mu.Unlock()
	return append([]*follower(nil), q.followers...)
}

// inTheMiddle is when so many events of a run have been seen: it goes on, and
// will for a while.
const inTheMiddle = 12

// middle waits until all questions are in the middle of their runs.
func (l *load) middle(ctx context.Context) error {
	for _, q := range l.all() {
		for {
			watched := l.watched(q)
			if len(watched) > 0 && watched[0].count() >= inTheMiddle {
				break
			}
			if err := rest(ctx, 20*time.Millisecond); err != nil {
				return fmt.Errorf("no run came to its middle: %w", errors.Join(err, q.err))
			}
		}
	}
	return nil
}

// rest waits.
func rest(ctx context.Context, d time.Duration) error {
	select {
	case <-time.After(d):
		return nil
	case <-ctx.Done():
		return ctx.Err()
	}
}
