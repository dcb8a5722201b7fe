package main

import (
	"database/sql"
	_ "embed"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mark-analyst/mark/store"
)

// questions is how many are asked a measurement: enough for a 99th percentile.
const questions = 200

// pace keeps one person below the rate of operations that is allowed: a question
// is two of twenty a second.
const pace = 110 * time.Millisecond

var (
	//go:embed testdata/large_sqlite.sql
	largeSQLite string
	//go:embed testdata/large_postgres.sql
	largePostgres string
)

// BenchmarkRuns is from sending sendMessage to the run's first event on a WebSocket
// that is open already, in an empty database and in one with 10,000 chats and a
// million messages.
func BenchmarkRuns(b *testing.B) {
	for _, database := range []string{"SQLite", "PostgreSQL"} {
		b.Run(database, func(b *testing.B) {
			url := ""
			if database == "PostgreSQL" {
				url = databases.PostgresURL(b)
			}
			s := start(b, url, func(c *Config, p *Parts) {
				withModel(b, says("An answer."))(c, p)
				p.Sandbox = absent{}
			})
			ada := s.signUp("ada@example.org")
			firstEvents(ada, 20) // what is made once is made
			empty := firstEvents(ada, questions)
			empty.reportTail(b, "sendMessage to first event, "+database, 0)
			me := ada.do(`{ viewer { id } }`, nil).str("viewer", "id")
			fill(b, url, filepath.Join(s.config.DataDir, store.File), me)
			firstEvents(ada, 20)
			firstEvents(ada, questions).reportTail(b, "  with 10,000 chats and a million messages", empty.at(0.5))
		})
	}
}

// firstEvents asks so many questions, one after the other, each in a chat of its
// own.
func firstEvents(p *person, n int) spread {
	sock := p.dial()
	defer sock.close()
	return measure(n, func() time.Duration {
		began := time.Now()
		_, run := p.ask("", "hello")
		sock.subscribe(run, 0)
		sock.next()
		took := time.Since(began)
		for more := true; more; {
			_, more = sock.next()
		}
		time.Sleep(pace)
		return took
	})
}

// fill puts a great many rows into the service's database.
func fill(b *testing.B, url, file, owner string) {
	b.Helper()
	var db *sql.DB
	var err error
	script := largeSQLite
	if url == "" {
		db, err = store.OpenSQLite(file)
	} else {
		db, err = sql.Open("postgres", url)
		script = largePostgres
	}
	if err != nil {
		b.Fatal(err)
	}
	defer db.Close()
	db.SetMaxOpenConns(1) // a setting holds for its connection
	if _, err := db.ExecContext(b.Context(), strings.ReplaceAll(script, "$1", "'"+owner+"'")); err != nil {
		b.Fatal(err)
	}
}
