package main

import (
	"fmt"
	"net/http"
	"testing"
	"time"

	"github.com/mark-analyst/mark/internal/fakellm"
)

// firstRounds is how often the first word is waited for.
const firstRounds = 100

// BenchmarkAgentFirstText is from sending sendMessage to the first TextDelta on a
// WebSocket that is open already, stored before it is delivered, beside the first text
// that a plain client has of the same request from the same endpoint, which answers at
// once. The two take turns.
func BenchmarkAgentFirstText(b *testing.B) {
	bothDatabases(b, func(b *testing.B, database, url string) {
		reply := scripted{raw: frames(b, fakellm.Text("There is no data in this chat yet, so there is nothing to compute."))}
		e := newEndpoint(b, func() scripted { return reply })
		s := start(b, url, func(c *Config, p *Parts) { e.use(c); p.Sandbox = absent{} })
		ada := s.signUp("ada@example.org")
		sock := ada.dial()
		defer sock.close()
		client := &http.Client{}
		var whole, asked, told, direct, added spread
		for i := range firstRounds + 10 {
			began := time.Now()
			_, run := ada.ask("", "hello")
			sock.subscribe(run, 0)
			var first time.Time
			for {
				event, more := sock.next()
				if !more {
					break
				}
				if event.kind() == "TextDelta" && first.IsZero() {
					first = time.Now()
				}
			}
			if first.IsZero() {
				b.Fatal("the model's text did not come")
			}
			c := e.taken()[0]
			sent := time.Now()
			arrived := e.send(b, client, c.body)
			e.taken()
			if i >= 10 { // what is made once is made
				whole, direct = append(whole, first.Sub(began)), append(direct, arrived.Sub(sent))
				asked, told = append(asked, c.came.Sub(began)), append(told, first.Sub(c.came))
				added = append(added, first.Sub(began)-arrived.Sub(sent))
			}
			time.Sleep(pace)
		}
		direct.report(b, fmt.Sprintf("first text, endpoint asked directly, %s", database), 0)
		whole.report(b, "  through Mark, from sendMessage", direct.at(0.5))
		asked.report(b, "    until Mark asks the model", 0)
		told.report(b, "    from there to the subscriber, stored", 0)
		added.report(b, "  added by Mark (goal: 6 ms)", 0)
	})
}
