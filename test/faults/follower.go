package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"time"

	"github.com/gorilla/websocket"
)

const subscription = `subscription($r: ID!, $a: Int!) { runEvents(runId: $r, after: $a) {
	__typename ... on RunEvent { seq } ... on TextDelta { text } } }`

// seen is an event as a follower got it.
type seen struct {
	seq        int
	kind, text string
}

// follower is a client that subscribes to a run's events until the run's end, and
// subscribes again after the last one that it has when the socket ends.
type follower struct {
	person *person
	runID  string
	random *rand.Rand // nil: it stays; else it leaves now and then by itself
	slow   bool       // it stops reading at first, until it is cut off

	mu         sync.Mutex // protects the rest
	events     []seen
	duplicates int
	gaps       int
	newest     time.Time     // when the last event came, or the run was sent
	silence    time.Duration // the longest
	silentAt   int           // after which event
	closes     map[int]int   // how often the socket ended, by code
	problem    error
}

func newFollower(p *person, runID string, sent time.Time) *follower {
	return &follower{person: p, runID: runID, newest: sent, closes: map[int]int{}}
}

// leaveOften is one in how many events a restless follower leaves after.
const leaveOften = 30

// follow ends when the run has, or ctx.
func (f *follower) follow(ctx context.Context) {
	for {
		finished, err := f.once(ctx)
		if finished {
			return
		}
		var closed *websocket.CloseError
		f.mu.Lock()
		if errors.As(err, &closed) {
			f.closes[closed.Code]++
		}
		f.problem = err
		f.mu.Unlock()
		pause := retryPause
		if f.random != nil {
			pause = time.Duration(f.random.Int64N(int64(retryPause)))
		}
		select {
		case <-time.After(pause):
		case <-ctx.Done():
			return
		}
	}
}

// The bounds of a client's waiting: for a connection, for what answers at once, and
// for anything at all, pings included.
const (
	dialTime = 2 * time.Second
	ackTime  = 5 * time.Second
	deadTime = time.Minute
)

// once is one socket. It tells whether the run's last event has come.
func (f *follower) once(ctx context.Context) (finished bool, err error) {
	dialer := &websocket.Dialer{HandshakeTimeout: dialTime, Subprotocols: []string{"graphql-transport-ws"}}
	ws, _, err := dialer.DialContext(ctx, "ws"+strings.TrimPrefix(f.person.url, "http")+"/graphql", nil) //nolint:bodyclose // gorilla's needs none
	if err != nil {
		return false, err
	}
	defer ws.Close()
	defer context.AfterFunc(ctx, func() { _ = ws.Close() })() // it ends, whatever that says
	if err := ws.WriteJSON(map[string]any{"type": "connection_init", "payload": map[string]any{"authorization": "Bearer " + f.person.token}}); err != nil {
		return false, err
	}
	for wait := ackTime; ; {
		if err := ws.SetReadDeadline(time.Now().Add(wait)); err != nil {
			return false, err
		}
		var m struct {
			Type    string
			Payload json.RawMessage
		}
		if err := ws.ReadJSON(&m); err != nil {
			return false, err
		}
		switch m.Type {
		case "connection_ack":
			wait = deadTime
			if err := f.subscribe(ws, "1"); err != nil {
				return false, err
			}
			if f.slow {
				return false, f.stall(ctx, ws)
			}
		case "ping":
			if err := ws.WriteJSON(map[string]any{"type": "pong"}); err != nil {
				return false, err
			}
		case "next":
			finished, err := f.take(m.Payload)
			if finished || err != nil {
				return finished, err
			}
			if f.random != nil && f.random.IntN(leaveOften) == 0 {
				return false, nil
			}
		case "complete", "error":
			return false, fmt.Errorf("the subscription ended: %s %s", m.Type, m.Payload)
		}
	}
}

// after is the last event that it has.
func (f *follower) after() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	if len(f.events) == 0 {
		return 0
	}
	return f.events[len(f.events)-1].seq
}

// take notes an event.
func (f *follower) take(payload json.RawMessage) (finished bool, err error) {
	var got struct {
		Data *struct {
			RunEvents struct {
				Typename string `json:"__typename"`
				Seq      int
				Text     string
			}
		}
	}
	if err := json.Unmarshal(payload, &got); err != nil {
		return false, err
	}
	if got.Data == nil {
		return false, fmt.Errorf("an event without data: %s", payload)
	}
	e := seen{got.Data.RunEvents.Seq, got.Data.RunEvents.Typename, got.Data.RunEvents.Text}
	last, now := f.after(), time.Now()
	f.mu.Lock()
	defer f.mu.Unlock()
	f.pause(now)
	f.newest = now
	switch {
	case e.seq <= last:
		f.duplicates++
		return false, nil
	case e.seq > last+1:
		f.gaps++
	}
	f.events = append(f.events, e)
	return e.kind == "RunFinished", nil
}

// pause notes how long nothing has come. It is called with mu held.
func (f *follower) pause(now time.Time) {
	if silent := now.Sub(f.newest); silent > f.silence {
		f.silence, f.silentAt = silent, len(f.events)
	}
}

// count is how many events it has.
func (f *follower) count() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	return len(f.events)
}

// subscribe asks for what comes after the last event that it has.
func (f *follower) subscribe(ws *websocket.Conn, id string) error {
	return ws.WriteJSON(map[string]any{"type": "subscribe", "id": id, "payload": map[string]any{
		"query": subscription, "variables": map[string]any{"r": f.runID, "a": f.after()},
	}})
}

const (
	// stallTime is longer than a node waits for a client that does not read.
	stallTime = 20 * time.Second
	// greed is how often the slow one subscribes to the same: to more than the
	// kernel keeps for it.
	greed = 12
)

// stall asks for a lot and reads nothing until it must be cut off. From then on it
// is no slow one any more.
func (f *follower) stall(ctx context.Context, ws *websocket.Conn) error {
	f.slow = false
	for i := range greed {
		if err := f.subscribe(ws, letters(i)); err != nil {
			return err
		}
	}
	if err := rest(ctx, stallTime); err != nil {
		return err
	}
	f.mu.Lock()
	f.newest = time.Now() // the silence was its own
	f.mu.Unlock()
	// What had been sent before is in the kernel's buffers, and then the reason.
	for {
		if err := ws.SetReadDeadline(time.Now().Add(ackTime)); err != nil {
			return err
		}
		if _, _, err := ws.ReadMessage(); err != nil {
			return err
		}
	}
}
