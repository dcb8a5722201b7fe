package chatfeed

import (
	"database/sql"
	"embed"
	"encoding/json"
	"errors"
	"fmt"

	"entgo.io/ent/dialect"
)

//go:embed sql/*.sql
var sqlFiles embed.FS

// statements is the SQL of one dialect, and how lists become arguments of it.
type statements struct {
	raise, versions string
	notify          string // "" where processes cannot tell each other

	ids func(ids []string) (any, error) // the first argument of raise and versions
	// reading is how a transaction sees the database as it stood at one moment.
	reading sql.TxOptions
}

func statementsFor(dialectName string) (statements, error) {
	switch dialectName {
	case dialect.Postgres:
		return statements{
			raise: text("raise_postgres"), versions: text("versions_postgres"), notify: text("notify_postgres"),
			ids:     func(ids []string) (any, error) { return ids, nil },
			reading: sql.TxOptions{ReadOnly: true, Isolation: sql.LevelRepeatableRead},
		}, nil
	case dialect.SQLite:
		return statements{
			raise: text("raise_sqlite"), versions: text("versions_sqlite"),
			ids: func(ids []string) (any, error) {
				raw, err := json.Marshal(ids)
				return string(raw), err
			},
			reading: sql.TxOptions{ReadOnly: true}, // no other would do less
		}, nil
	}
	return statements{}, fmt.Errorf("chatfeed: no SQL for the dialect %q", dialectName)
}

// scanVersions reads rows of a chat's id and its version.
func scanVersions(rows *sql.Rows) (map[string]int64, error) {
	versions := map[string]int64{}
	for rows.Next() {
		var id string
		var version int64
		if err := rows.Scan(&id, &version); err != nil {
			return nil, err
		}
		versions[id] = version
	}
	// A statement that writes has run to its end only when its rows have.
	return versions, errors.Join(rows.Err(), rows.Close())
}

func text(name string) string {
	raw, err := sqlFiles.ReadFile("sql/" + name + ".sql")
	if err != nil {
		panic(err) // the file is part of the binary
	}
	return string(raw)
}
