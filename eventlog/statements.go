package eventlog

import (
	"embed"
	"encoding/json"
	"fmt"

	"entgo.io/ent/dialect"
	"github.com/lib/pq"
)

//go:embed sql/*.sql
var sqlFiles embed.FS

// statements is the SQL of one dialect.
type statements struct {
	extend, insert, page, heads string
	notify                      string                      // "" where processes cannot tell each other
	list                        func([]string) (any, error) // a list of strings as one argument
}

func statementsFor(dialectName string) (statements, error) {
	var suffix string
	s := statements{}
	switch dialectName {
	case dialect.Postgres:
		suffix = "_postgres"
		s.list = func(list []string) (any, error) { return pq.Array(list), nil }
		s.notify = text("notify_postgres")
	case dialect.SQLite:
		suffix = "_sqlite"
		s.list = func(list []string) (any, error) {
			raw, err := json.Marshal(list)
			return string(raw), err
		}
	default:
		return s, fmt.Errorf("eventlog: no SQL for the dialect %q", dialectName)
	}
	s.extend, s.page = text("extend"), text("page")
	s.insert, s.heads = text("insert"+suffix), text("heads"+suffix)
	return s, nil
}

func text(name string) string {
	raw, err := sqlFiles.ReadFile("sql/" + name + ".sql")
	if err != nil {
		panic(err) // the file is part of the binary
	}
	return string(raw)
}
