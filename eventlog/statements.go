package eventlog

import (
	"embed"
	"encoding/json"
	"fmt"
	"time"

	"entgo.io/ent/dialect"
	"github.com/lib/pq"
)

//go:embed sql/*.sql
var sqlFiles embed.FS

// statements is the SQL of one dialect, and how lists become arguments of it.
type statements struct {
	extend, insert, page, heads string
	notify                      string // "" where processes cannot tell each other
	due, claim, renew, release  string // see lease.go
	postgres                    bool

	ids  func(ids []string) (any, error)             // the argument of heads
	rows func(kinds, bodies []string) ([]any, error) // the last arguments of insert

	lease  func(now time.Time) []any            // the last arguments of claim; the first is renew's last
	claims func(claims []Writer) ([]any, error) // the first arguments of renew
}

func statementsFor(dialectName string) (statements, error) {
	s := statements{extend: text("extend"), page: text("page")}
	switch dialectName {
	case dialect.Postgres:
		s.insert, s.heads, s.notify = text("insert_postgres"), text("heads_postgres"), text("notify_postgres")
		s.ids = func(ids []string) (any, error) { return pq.Array(ids), nil }
		s.rows = func(kinds, bodies []string) ([]any, error) {
			return []any{pq.Array(kinds), pq.Array(bodies)}, nil
		}
	case dialect.SQLite:
		s.insert, s.heads = text("insert_sqlite"), text("heads_sqlite")
		s.ids = func(ids []string) (any, error) { return jsonText(ids) }
		s.rows = func(kinds, bodies []string) ([]any, error) {
			pairs := make([][2]string, len(kinds))
			for i := range pairs {
				pairs[i] = [2]string{kinds[i], bodies[i]}
			}
			list, err := jsonText(pairs)
			return []any{list}, err
		}
	default:
		return s, fmt.Errorf("eventlog: no SQL for the dialect %q", dialectName)
	}
	s.leases(dialectName == dialect.Postgres)
	return s, nil
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
