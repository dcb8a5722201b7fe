package server_test

import (
	"bufio"
	"net"
	"net/http"
	"testing"
	"time"
)

// rawConn is a client below HTTP, for what no HTTP client would do.
type rawConn struct {
	net.Conn
	t testing.TB
}

func (e *env) dialTCP(text string) *rawConn {
	e.t.Helper()
	c, err := net.Dial("tcp", e.host)
	if err != nil {
		e.t.Fatal(err)
	}
	e.t.Cleanup(func() { c.Close() })
	_ = c.SetDeadline(time.Now().Add(patience))
	r := &rawConn{c, e.t}
	r.write(text)
	return r
}

func (c *rawConn) write(text string) {
	c.t.Helper()
	if _, err := c.Write([]byte(text)); err != nil {
		c.t.Fatal(err)
	}
}

func (c *rawConn) response() *http.Response {
	c.t.Helper()
	res, err := http.ReadResponse(bufio.NewReader(c), nil)
	if err != nil {
		c.t.Fatal(err)
	}
	c.t.Cleanup(func() { res.Body.Close() })
	return res
}

func (c *rawConn) status() int { return c.response().StatusCode }
