package llm

import (
	"bufio"
	"fmt"
	"io"
	"net"
	"net/http"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/mark-analyst/mark/internal/dialogue"
)

// TestKeptConnectionIsClosed: a server that closes a connection after a reply,
// having promised to keep it, as llama.cpp does, is no failure and no reason to
// wait.
func TestKeptConnectionIsClosed(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	var served sync.WaitGroup
	var connections atomic.Int32
	served.Go(func() {
		for {
			conn, err := listener.Accept()
			if err != nil {
				return
			}
			connections.Add(1)
			served.Go(func() { serveOnce(conn) })
		}
	})
	chat := newChat(t, "http://"+listener.Addr().String()+"/v1", nil)
	for i := range 3 {
		if _, err := chat.Stream(t.Context(), dialogue.Request{}, discard); err != nil {
			t.Errorf("request %d: %v", i, err)
		}
	}
	chat.Close()
	_ = listener.Close()
	served.Wait()
	if n := connections.Load(); n != 3 {
		t.Errorf("%d connections", n)
	}
}

// serveOnce answers the first request on a connection and closes it when the
// second arrives.
func serveOnce(conn net.Conn) {
	defer conn.Close()
	in := bufio.NewReader(conn)
	req, err := http.ReadRequest(in)
	if err != nil {
		return
	}
	_, _ = io.Copy(io.Discard, req.Body)
	body := hello + stop + "data: [DONE]\n\n"
	fmt.Fprintf(conn, "HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n", len(body), body)
	_, _ = in.ReadByte()
}
