package eventlog

import (
	"embed"
	"encoding/json"
	"fmt"
	"strconv"
	"strings"
	"time"

	"entgo.io/ent/dialect"

	"github.com/mark-analyst/mark/internal/crashpoint"
)

//go:embed sql/*.sql
var sqlFiles embed.FS

// statements is the SQL of one dialect, and how lists become arguments of it.
type statements struct {
	extend, settle, page, heads                        string
	due, take, first, claim, renew, release, restarted string // see lease.go
	postgres                                           bool
	compactable, compactRun, compactEvents, compacted  string

	ids        func(ids []string) (any, error)                   // the argument of heads
	extendArgs func(spans []*span, now time.Time) ([]any, error) // the arguments of extend
	// insert adds events, whose owners are given beside them.
	insert func(events []Event, owners []string, at time.Time) []statement

	lease  func(now time.Time) []any            // the last arguments of claim; the first is renew's last
	claims func(claims []Writer) ([]any, error) // the first arguments of renew
}

type statement struct {
	query string
	args  []any
}

func statementsFor(dialectName string) (statements, error) {
	s := statements{
		page: text("page"), compactable: text("compactable"), compacted: text("compacted"),
		compactRun: text("compact_run"), compactEvents: text("compact_events"),
	}
	switch dialectName {
	case dialect.Postgres:
		s.extend, s.settle, s.heads = text("extend_postgres"), text("settle_postgres"), text("heads_postgres")
		s.ids = func(ids []string) (any, error) { return ids, nil }
		s.extendArgs, s.insert = extendPostgres, insertPostgres(text("insert_postgres"))
	case dialect.SQLite:
		s.extend, s.settle, s.heads = text("extend_sqlite"), text("settle_sqlite"), text("heads_sqlite")
		s.ids = func(ids []string) (any, error) { return jsonText(ids) }
		s.extendArgs, s.insert = extendSQLite, insertSQLite(text("insert_sqlite"))
	default:
		return s, fmt.Errorf("eventlog: no SQL for the dialect %q", dialectName)
	}
	s.leases(dialectName == dialect.Postgres)
	if crashpoint.Without(crashpoint.Fence) {
		s.extend = unfenced(s.extend)
	}
	return s, nil
}

func extendPostgres(spans []*span, _ time.Time) ([]any, error) {
	ids, epochs, counts := make([]string, len(spans)), make([]int64, len(spans)), make([]int64, len(spans))
	for i, s := range spans {
		ids[i], epochs[i], counts[i] = s.writer.RunID, int64(s.writer.Epoch), int64(s.n)
	}
	patience := strconv.FormatInt(LeaseTime.Milliseconds(), 10)
	return []any{ids, epochs, counts, LeaseTime.Seconds(), patience}, nil
}

func extendSQLite(spans []*span, now time.Time) ([]any, error) {
	rows := make([][3]any, len(spans))
	for i, s := range spans {
		rows[i] = [3]any{s.writer.RunID, s.writer.Epoch, s.n}
	}
	list, err := jsonText(rows)
	return []any{list, now.Add(LeaseTime)}, err
}

func insertPostgres(query string) func([]Event, []string, time.Time) []statement {
	return func(events []Event, owners []string, at time.Time) []statement {
		n := len(events)
		ids, seqs, kinds, bodies := make([]string, n), make([]int64, n), make([]string, n), make([]string, n)
		for i, e := range events {
			ids[i], seqs[i], kinds[i], bodies[i] = e.RunID, int64(e.Seq), e.Kind, string(e.Body)
		}
		return []statement{{query, []any{
			at, ids, owners, seqs, kinds, bodies,
			channel, payloads(events),
		}}}
	}
}

// sqliteRows is how many rows one statement inserts: SQLite takes 32,766
// arguments, and more rows are not faster.
const sqliteRows = 1000

func insertSQLite(query string) func([]Event, []string, time.Time) []statement {
	query = strings.TrimSpace(query)
	row := query[strings.LastIndexByte(query, '\n'):]
	return func(events []Event, owners []string, at time.Time) []statement {
		var list []statement
		for len(events) > 0 {
			n := min(len(events), sqliteRows)
			args := make([]any, 0, 1+5*n)
			args = append(args, at)
			for i, e := range events[:n] {
				args = append(args, e.RunID, owners[i], e.Seq, e.Kind, string(e.Body))
			}
			list = append(list, statement{query + strings.Repeat(","+row, n-1), args})
			events, owners = events[n:], owners[n:]
		}
		return list
	}
}

func jsonText(v any) (string, error) {
	raw, err := json.Marshal(v)
	return string(raw), err
}

func text(name string) string {
	raw, err := sqlFiles.ReadFile("sql/" + name + ".sql")
	if err != nil {
		panic(err) // the file is part of the binary
	}
	return string(raw)
}

// unfenced is PostgreSQL's statement extend for whoever comes, whether the run is
// theirs or not: what a test must notice.
func unfenced(extend string) string {
	return strings.NewReplacer(
		"AND runs.epoch = w.epoch", "",
		"AND runs.state NOT IN ('SUCCEEDED', 'FAILED', 'CANCELLED')", "",
		"runs.epoch,", "w.epoch,",
	).Replace(extend)
}
