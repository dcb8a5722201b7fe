package main

import (
	"database/sql"
	"encoding/json"
	"fmt"
	"net/http"
	"path/filepath"
	"testing"
	"time"

	"github.com/mark-analyst/mark/internal/fakellm"
	"github.com/mark-analyst/mark/sandbox/gvisor/gvisortest"
	"github.com/mark-analyst/mark/store"
)

const (
	agentTurns = 12 // questions of a chat
	turnCalls  = 8  // of the model in each: the last is the answer
)

// turnTools are what the replies of a turn call; the last calls nothing.
var turnTools = [turnCalls]string{"list_datasets", "run_python", "run_python", "run_python", "list_datasets", "run_python", "run_python", ""}

// BenchmarkAgentSteps is what a step costs beside the model and Python: from the last
// byte of a reply to the next request, with an endpoint and a sandbox that answer at
// once. The same requests sent by a plain client, one after the other, and the
// transactions alone are beside it. And it is how much of each prompt the endpoint had been
// sent before, so that its cache knows it.
func BenchmarkAgentSteps(b *testing.B) {
	bothDatabases(b, func(b *testing.B, database, url string) {
		var replies []scripted
		for i := range agentTurns {
			for j, tool := range turnTools {
				id := fmt.Sprintf("call_%d_%d", i, j)
				part := fakellm.Call(id, tool, "{}")
				switch tool {
				case "run_python":
					part = fakellm.Call(id, tool, map[string]string{"code": fmt.Sprintf("# turn %d, step %d\nprint(df.groupby('species').body_mass_g.mean())", i, j)})
				case "":
					part = fakellm.Text("They are what they are.")
				}
				replies = append(replies, scripted{raw: frames(b, part)})
			}
		}
		n := 0
		e := newEndpoint(b, func() scripted { n++; return replies[(n-1)%len(replies)] })
		e.summary = frames(b, fakellm.Text("They asked how heavy the penguins are, and were told."))
		python := &quick{Provider: gvisortest.Provider(b)}
		s := start(b, url, func(c *Config, p *Parts) { e.use(c); p.Sandbox = python })
		ada := s.signUp("ada@example.org")
		data := ada.sample("penguins")
		python.on.Store(true)

		chat, turns := "", [][]call{}
		for i := range agentTurns {
			var run string
			chat, run = ada.ask(chat, fmt.Sprintf("How heavy are they, in question %d?", i), data)
			ada.follow(run, 0)
			if state := ada.run(run).str("node", "state"); state != "SUCCEEDED" {
				b.Fatalf("the run is %s", state)
			}
			calls := e.taken()
			if len(calls) != turnCalls {
				b.Fatalf("the model was asked %d times", len(calls))
			}
			turns = append(turns, calls)
		}
		steps := map[string]spread{}
		var whole, plain spread
		for _, calls := range turns {
			for i := range turnCalls - 1 {
				took := calls[i+1].came.Sub(calls[i].left)
				steps[turnTools[i]], whole = append(steps[turnTools[i]], took), append(whole, took)
			}
		}
		client := &http.Client{}
		for _, calls := range turns {
			for _, c := range calls {
				e.send(b, client, c.body)
			}
			sent := e.taken()
			for i := range turnCalls - 1 {
				plain = append(plain, sent[i+1].came.Sub(sent[i].left))
			}
		}
		commits := commitsOf(b, url, filepath.Join(s.config.DataDir, store.File))
		commits.report(b, "the transactions of a step, a row each, "+database, 0)
		plain.report(b, "  between two requests of a plain client", 0)
		whole.report(b, "  a step without model and Python (goal: 5 ms)", commits.at(0.5))
		steps["list_datasets"].report(b, "    of list_datasets", commits.at(0.5))
		steps["run_python"].report(b, "    of run_python", commits.at(0.5))
		tellRepeated(b, turns, e.summaries)
	})
}

// samePrompt is how much of a prompt is to be the beginning of the one before, in a
// hundred.
const samePrompt = 90

// tellRepeated tells how much of each prompt is the beginning of the one before, and
// how often the chat was cut short, after which it is another.
func tellRepeated(b *testing.B, turns [][]call, summaries int) {
	b.Helper()
	var within, between []float64
	last := ""
	for _, calls := range turns {
		for i, c := range calls {
			prompt := promptOf(b, c.body)
			same := 0
			for same < min(len(last), len(prompt)) && last[same] == prompt[same] {
				same++
			}
			share := 100 * float64(same) / float64(len(prompt))
			switch {
			case i > 0:
				within = append(within, share)
			case last != "":
				between = append(between, share)
			}
			last = prompt
		}
	}
	shares(b, "  of a prompt sent before, from step to step", within, samePrompt)
	shares(b, fmt.Sprintf("  of a prompt sent before, from question to question (%d cut)", summaries), between, samePrompt)
}

// promptOf is what a model reads of a request, in the order in which it does: the
// tools stand before the conversation.
func promptOf(b *testing.B, body []byte) string {
	b.Helper()
	var req struct {
		Tools    json.RawMessage   `json:"tools"`
		Messages []json.RawMessage `json:"messages"`
	}
	if err := json.Unmarshal(body, &req); err != nil {
		b.Fatal(err)
	}
	prompt := string(req.Tools)
	for _, m := range req.Messages {
		prompt += string(m)
	}
	return prompt
}

// stepCommits is how many transactions a step is, at least: the step, the reply, the
// call, what it prints, its end.
const stepCommits = 5

// commitsOf is how long the service's database takes for the transactions of a step,
// with next to nothing in them.
func commitsOf(b *testing.B, url, file string) spread {
	b.Helper()
	var db *sql.DB
	var err error
	if url == "" {
		db, err = store.OpenSQLite(file)
	} else {
		db, err = sql.Open("pgx", url)
	}
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1)
	if _, err := db.ExecContext(b.Context(), "CREATE TABLE commits (n INTEGER)"); err != nil {
		b.Fatal(err)
	}
	return measure(agentTurns*turnCalls, func() time.Duration {
		began := time.Now()
		for range stepCommits {
			if _, err := db.ExecContext(b.Context(), "INSERT INTO commits VALUES (1)"); err != nil {
				b.Fatal(err)
			}
		}
		return time.Since(began)
	})
}
