package server_test

import (
	"bufio"
	"net/http"
	"runtime"
	"testing"

	"github.com/mark-analyst/mark/server"
)

// BenchmarkIdleSockets reports what a socket costs the server that is open,
// signed in and silent. The client's side of it is a bare TCP connection,
// which is in the figure with under 1 kB.
func BenchmarkIdleSockets(b *testing.B) {
	const sockets = 1000
	for range b.N {
		e := start(b, func(c *server.Config) { c.Limits.Sockets = sockets })
		e.post(`{ hello }`)
		before := memory()
		conns := make([]*rawConn, sockets)
		for i := range conns {
			conns[i] = e.dialTCP("GET /graphql HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n" +
				"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n" +
				"Sec-WebSocket-Protocol: graphql-transport-ws\r\n\r\n")
		}
		for _, c := range conns {
			r := bufio.NewReaderSize(c, 512)
			res, err := http.ReadResponse(r, nil)
			if err != nil || res.StatusCode != http.StatusSwitchingProtocols {
				b.Fatalf("%v %v", res, err)
			}
			c.write(masked(`{"type":"connection_init"}`))
			if _, err := r.Discard(2 + len(`{"type":"connection_ack"}`)); err != nil {
				b.Fatal(err)
			}
		}
		b.ReportMetric(float64(memory()-before)/sockets, "B/socket")
		for _, c := range conns {
			c.Close()
		}
	}
}

// masked is a text frame with a mask of zeros.
func masked(text string) string {
	return string([]byte{0x81, 0x80 | byte(len(text))}) + "\x00\x00\x00\x00" + text
}

func memory() int64 {
	runtime.GC()
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return int64(m.HeapAlloc + m.StackInuse)
}
