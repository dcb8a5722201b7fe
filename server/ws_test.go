package server_test

import (
	"net/http"
	"strings"
	"testing"

	"github.com/mark-analyst/mark/server"
	"github.com/mark-analyst/mark/server/internal/testschema"
)

func TestMessageOrder(t *testing.T) {
	s := start(t, nil).open()
	s.subscribe("a", `subscription { count(to: 3) }`)
	s.expect(
		`{"id":"a","type":"next","payload":{"data":{"count":1}}}`,
		`{"id":"a","type":"next","payload":{"data":{"count":2}}}`,
		`{"id":"a","type":"next","payload":{"data":{"count":3}}}`,
		`{"id":"a","type":"complete"}`)
	s.quiet()

	s.subscribe("a", `{ hello }`) // the id is free again
	s.expect(`{"id":"a","type":"next","payload":{"data":{"hello":"Hello world"}}}`, `{"id":"a","type":"complete"}`)
	s.subscribe("b", `mutation { remember(value: 5) }`)
	s.expect(`{"id":"b","type":"next","payload":{"data":{"remember":5}}}`, `{"id":"b","type":"complete"}`)
	s.quiet()
}

func TestNothingFollowsAnError(t *testing.T) {
	s := start(t, nil).open()
	for id, c := range map[string][2]string{
		"syntax":     {`{`, "GRAPHQL_PARSE_FAILED"},
		"validation": {`{ nothing }`, "GRAPHQL_VALIDATION_FAILED"},
		"refusal":    {`subscription { refused(how: NOT_FOUND) }`, "NOT_FOUND"},
		"panic":      {`subscription { refused(how: PANIC) }`, "INTERNAL"},
	} {
		s.subscribe(id, c[0])
		if code := s.errorCode(id); code != c[1] {
			t.Errorf("%s: code %s, want %s", id, code, c[1])
		}
		s.quiet()
		s.subscribe(id, `{ hello }`) // and the id is free
		s.expect(`{"id":"`+id+`","type":"next","payload":{"data":{"hello":"Hello world"}}}`, `{"id":"`+id+`","type":"complete"}`)
	}
}

func TestClientCompleteIsNotEchoed(t *testing.T) {
	e := start(t, nil)
	s := e.open()
	s.subscribe("1", `subscription { silence }`)
	wait(t, e.began, "the subscription")
	s.send(`{"id":"1","type":"complete"}`)
	if err := wait(t, e.ended, "its end"); err == nil {
		t.Error("ended without a cause")
	}
	s.quiet()
	s.send(`{"id":"unknown","type":"complete"}`) // one that had ended already
	s.quiet()
	s.subscribe("1", `{ hello }`)
	s.expect(`{"id":"1","type":"next","payload":{"data":{"hello":"Hello world"}}}`, `{"id":"1","type":"complete"}`)
}

func TestPingsBeforeAndAfterInit(t *testing.T) {
	s := start(t, nil).dial()
	s.quiet()
	s.send(`{"type":"pong"}`, `{"type":"pong","payload":{}}`)
	s.send(`{"type":"connection_init","payload":{}}`)
	s.expect(`{"type":"connection_ack"}`)
	s.send(`{"type":"ping","payload":{"at":1}}`)
	s.expect(`{"type":"pong"}`)
}

func TestTokenInEveryLetterCase(t *testing.T) {
	e := start(t, nil)
	whoami := func(s *socket, want string) {
		t.Helper()
		s.subscribe("1", `{ whoami }`)
		s.expect(`{"id":"1","type":"next","payload":{"data":{"whoami":"`+want+`"}}}`, `{"id":"1","type":"complete"}`)
	}
	for _, payload := range []string{
		`{"authorization":"Bearer alice"}`, `{"Authorization":"bearer alice"}`, `{"AUTHORIZATION":"BEARER alice","more":1}`,
	} {
		s := e.dial()
		s.send(`{"type":"connection_init","payload":` + payload + `}`)
		s.expect(`{"type":"connection_ack"}`)
		whoami(s, "alice")
	}
	whoami(e.open(), "")
	whoami(e.open("Authorization", "Bearer alice"), "alice")
	s := e.dial()
	s.send(`{"type":"connection_init","payload":{"authorization":null}}`)
	s.expect(`{"type":"connection_ack"}`)
	whoami(s, "")
}

func TestPingRenewsTheToken(t *testing.T) {
	t.Parallel() // it waits for most of its time
	e := start(t, nil)
	s := e.dial()
	s.send(`{"type":"connection_init","payload":{"authorization":"Bearer limited"}}`)
	s.expect(`{"type":"connection_ack"}`)
	s.send(`{"type":"ping","payload":{"authorization":"Bearer alice"}}`)
	s.expect(`{"type":"pong"}`)
	s.subscribe("1", `subscription { silence }`)
	wait(t, e.began, "the subscription")
	// The old token's end goes by: it would come before this one's.
	other := e.dial()
	other.send(`{"type":"connection_init","payload":{"authorization":"Bearer limited"}}`)
	other.closed()
	s.quiet()

	s.send(`{"type":"ping","payload":{"authorization":"Bearer bob"}}`)
	if got := s.closed(); got.Code != 4403 {
		t.Errorf("somebody else's token: closed with %v, want 4403", got)
	}
}

func TestPanicsStayInTheirOperation(t *testing.T) {
	e := start(t, nil)
	s := e.open()
	s.subscribe("stays", `subscription { silence }`)
	s.subscribe("p", `subscription { poisoned { value } }`)
	if m := s.read(); !strings.Contains(m, `"INTERNAL"`) || strings.Contains(m, testschema.Secret) {
		t.Errorf("got %s", m)
	}
	s.expect(`{"id":"p","type":"complete"}`)
	s.quiet()
	if !strings.Contains(e.log.String(), testschema.Secret) {
		t.Error("the panic is not in the log")
	}
}

func TestHangUpCancelsOperations(t *testing.T) {
	e := start(t, nil)
	s := e.open()
	s.subscribe("1", `subscription { silence }`)
	s.subscribe("2", `{ wait }`)
	wait(t, e.began, "the first operation")
	wait(t, e.began, "the second operation")
	s.ws.NetConn().Close()
	wait(t, e.ended, "the end of one")
	wait(t, e.ended, "the end of the other")
}

func TestSocketLimits(t *testing.T) {
	e := start(t, func(c *server.Config) {
		c.Limits.SocketOperations = 2
		c.Limits.Subscriptions = 3
		c.Limits.Sockets = 2
	})
	first, second := e.open(), e.open()
	first.subscribe("1", `subscription { silence }`)
	first.subscribe("2", `subscription { silence }`)
	wait(t, e.began, "a subscription")
	wait(t, e.began, "another")
	first.subscribe("3", `{ hello }`)
	if code := first.errorCode("3"); code != "LIMIT_EXCEEDED" {
		t.Errorf("a third operation on one socket: %s", code)
	}
	second.subscribe("1", `subscription { silence }`)
	wait(t, e.began, "a third")
	second.subscribe("2", `subscription { silence }`)
	if code := second.errorCode("2"); code != "LIMIT_EXCEEDED" {
		t.Errorf("a fourth subscription of one address: %s", code)
	}
	if _, res, err := e.tryDial("graphql-transport-ws"); err == nil || res.StatusCode != http.StatusTooManyRequests {
		t.Errorf("a third socket was not refused: %v", err)
	}
	// What is ended makes room.
	first.send(`{"id":"1","type":"complete"}`)
	wait(t, e.ended, "the end of a subscription")
	eventually(t, "room for a subscription", func() bool {
		second.subscribe("2", `subscription { count(to: 1) }`)
		if strings.Contains(second.read(), `"error"`) {
			return false
		}
		second.expect(`{"id":"2","type":"complete"}`)
		return true
	})
}

func TestOrigins(t *testing.T) {
	e := start(t, func(c *server.Config) { c.AllowedOrigins = []string{"https://mark.example"} })
	for origin, allowed := range map[string]bool{
		"":                          true, // no browser
		"http://" + e.host:          true, // our own page
		"https://mark.example":      true,
		"https://mark.example.evil": false,
		"http://mark.example":       false,
		"null":                      false,
	} {
		var headers []string
		if origin != "" {
			headers = []string{"Origin", origin}
		}
		_, res, err := e.tryDial("graphql-transport-ws", headers...)
		if (err == nil) != allowed {
			t.Errorf("origin %q: %v, want allowed %v", origin, err, allowed)
		}
		if !allowed && res.StatusCode != http.StatusForbidden {
			t.Errorf("origin %q: status %d", origin, res.StatusCode)
		}
	}
}

func TestBadTokenInTheUpgrade(t *testing.T) {
	_, res, err := start(t, nil).tryDial("graphql-transport-ws", "Authorization", "Bearer mallory")
	if err == nil || res.StatusCode != http.StatusUnauthorized {
		t.Errorf("not refused with 401: %v", err)
	}
}

// A person's subscriptions count over all of their connections, and nobody
// else's do.
func TestSubscriptionsOfOnePersonAreBounded(t *testing.T) {
	e := start(t, func(c *server.Config) { c.Limits.Subscriptions = 2 })
	one, two, bob := e.open(as("alice")...), e.open(as("alice")...), e.open(as("bob")...)
	one.subscribe("1", `subscription { silence }`)
	wait(t, e.began, "a subscription")
	events := e.stream(`subscription { silence }`, as("alice")...)
	wait(t, e.began, "an event stream")
	two.subscribe("1", `subscription { count(to: 1) }`)
	if code := two.errorCode("1"); code != "LIMIT_EXCEEDED" {
		t.Errorf("a third on another socket: %s", code)
	}
	if got := all(t, e.stream(`subscription { count(to: 1) }`, as("alice")...).Body); !strings.Contains(got, "Too many subscriptions are open; end one first.") {
		t.Errorf("a third as an event stream: %s", got)
	}
	two.subscribe("2", `{ hello }`) // a query is no subscription
	two.expect(`{"id":"2","type":"next","payload":{"data":{"hello":"Hello world"}}}`, `{"id":"2","type":"complete"}`)
	bob.subscribe("1", `subscription { silence }`)
	wait(t, e.began, "somebody else's")
	events.Body.Close()
	wait(t, e.ended, "the end of the event stream")
	eventually(t, "room on another socket", func() bool {
		two.subscribe("3", `subscription { count(to: 1) }`)
		if strings.Contains(two.read(), `"error"`) {
			return false
		}
		two.expect(`{"id":"3","type":"complete"}`)
		return true
	})
}
