package server_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/mark-analyst/mark/server"
)

// A server whose database is away ends its streams, with a word that tells their
// clients to come again, refuses what is asked, and works again by itself.
func TestStreamsEndWhereTheServerCannotWork(t *testing.T) {
	for _, how := range []string{"fails", "hangs"} {
		t.Run(how, func(t *testing.T) {
			t.Parallel()
			var away atomic.Bool
			back := make(chan struct{})
			e := start(t, func(c *server.Config) {
				c.Limits.HealthCheck, c.Limits.Unhealthy, c.Limits.ReadinessCheck = time.Millisecond, 2*time.Second, time.Hour
				c.Ready = func(context.Context) error {
					switch {
					case !away.Load():
						return nil
					case how == "hangs": // as a driver does that does not look at its context
						<-back
						return nil
					}
					return errors.New("away")
				}
			})
			s := e.dial()
			s.send(initMessage, `{"id":"1","type":"subscribe","payload":{"query":"subscription { silence }"}}`)
			wait(t, e.began, "the subscription")
			stream := e.stream(`subscription { silence }`)
			defer stream.Body.Close()
			wait(t, e.began, "the event stream")
			if a := e.post(`{ hello }`); a.status != http.StatusOK {
				t.Fatalf("before: %d", a.status)
			}
			away.Store(true)
			if got := s.closed(); got.Code != 1013 || !strings.Contains(got.Text, "resume") {
				t.Errorf("the socket was closed with %d %q", got.Code, got.Text)
			}
			if _, err := io.ReadAll(stream.Body); err != nil {
				t.Errorf("the event stream ended with %v", err)
			}
			if a := e.post(`{ hello }`); a.status != http.StatusServiceUnavailable || a.code() != "UNAVAILABLE" {
				t.Errorf("while it is away: %d %s", a.status, a.code())
			}
			away.Store(false)
			close(back)
			eventually(t, "the server works again", func() bool { return e.post(`{ hello }`).status == http.StatusOK })
			again := e.dial()
			again.send(initMessage, `{"id":"1","type":"subscribe","payload":{"query":"subscription { silence }"}}`)
			wait(t, e.began, "a subscription afterwards")
		})
	}
}

// A failure that is over soon costs nobody a stream.
func TestStreamsOutliveAShortOutage(t *testing.T) {
	var asked atomic.Int32
	e := start(t, func(c *server.Config) {
		c.Limits.HealthCheck, c.Limits.Unhealthy = time.Millisecond, time.Minute
		c.Ready = func(context.Context) error {
			if asked.Add(1)%2 == 0 {
				return errors.New("away")
			}
			return nil
		}
	})
	s := e.dial()
	s.send(initMessage, `{"id":"1","type":"subscribe","payload":{"query":"subscription { silence }"}}`)
	wait(t, e.began, "the subscription")
	eventually(t, "some failures", func() bool { return asked.Load() > 20 })
	s.send(`{"type":"ping"}`)
	if m := s.read(); !strings.Contains(m, `"connection_ack"`) && !strings.Contains(m, `"pong"`) {
		t.Errorf("got %s", m)
	}
}

// A server that drains says so, and goes on answering.
func TestDraining(t *testing.T) {
	e := start(t, nil)
	e.server.Drain()
	e.server.Drain()
	if a := e.do(e.request(http.MethodGet, "http://"+e.host+"/readyz", "")); a.status != http.StatusServiceUnavailable {
		t.Errorf("/readyz: %d", a.status)
	}
	if a := e.post(`{ hello }`); a.status != http.StatusOK {
		t.Errorf("a request: %d", a.status)
	}
}
