package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"time"

	"github.com/lib/pq"
)

// connectTime bounds how long a new connection may take, name lookup and TLS
// included.
const connectTime = 10 * time.Second

// idleSetting is PostgreSQL's name of how long a transaction may be silent, and
// idleTime what it is. Mark's take milliseconds.
const (
	idleSetting = "idle_in_transaction_session_timeout"
	idleTime    = 10 * time.Second
)

func openPostgres(ctx context.Context, c Config) (*sql.DB, error) {
	u, err := url.Parse(c.URL)
	if err != nil {
		// What the parser says repeats parts of the URL, and with a password that
		// is not encoded nobody knows which part is the password.
		return nil, errors.New("the database's URL cannot be read; expected postgres://user:password@host:port/name, " +
			"with special characters in the password %-encoded")
	}
	config, err := pq.NewConfig(c.URL)
	if err != nil {
		return nil, fmt.Errorf("the database's URL: %s", redact(err.Error(), c.URL, u))
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = connectTime
	}
	if config.ApplicationName == "" {
		config.ApplicationName = "mark"
	}
	// Times come back in the session's zone.
	if config.Runtime == nil {
		config.Runtime = map[string]string{}
	}
	config.Runtime["timezone"] = "UTC"
	// A client that vanished in the midst of a transaction must not keep its locks
	// for the hours that the server's TCP would wait.
	if config.Runtime[idleSetting] == "" {
		config.Runtime[idleSetting] = strconv.FormatInt(idleTime.Milliseconds(), 10)
	}
	connector, err := pq.NewConnectorConfig(config)
	if err != nil {
		return nil, fmt.Errorf("%s: %s", address(u), redact(err.Error(), c.URL, u))
	}
	connector.Dialer(newDialer())
	db := sql.OpenDB(connector)
	db.SetMaxOpenConns(c.MaxConns)
	db.SetMaxIdleConns(c.MaxConns)
	db.SetConnMaxIdleTime(5 * time.Minute)
	db.SetConnMaxLifetime(time.Hour) // so that a new primary or resolver entry is noticed
	if err := db.PingContext(ctx); err != nil {
		return nil, errors.Join(unreachable(err, c.URL, u), db.Close())
	}
	return db, nil
}

// unreachable says what a person can do about PostgreSQL's error.
func unreachable(err error, raw string, u *url.URL) error {
	text := redact(err.Error(), raw, u)
	var e *pq.Error
	if !errors.As(err, &e) {
		return fmt.Errorf("PostgreSQL at %s cannot be reached: %s", address(u), text)
	}
	switch e.Code {
	case "28P01", "28000": // invalid_password, invalid_authorization_specification
		return fmt.Errorf("PostgreSQL at %s refuses the user or password: %s", address(u), text)
	case "3D000": // invalid_catalog_name
		return fmt.Errorf("PostgreSQL at %s has no such database; create it first: %s", address(u), text)
	case "53300": // too_many_connections
		return fmt.Errorf("PostgreSQL at %s has no connection left: %s", address(u), text)
	}
	return fmt.Errorf("PostgreSQL at %s: %s", address(u), text)
}
