package store

import (
	"context"
	"database/sql"
	"errors"
	"fmt"
	"net/url"
	"os"
	"strconv"
	"time"

	"github.com/jackc/pgx/v5"
	"github.com/jackc/pgx/v5/pgconn"
	"github.com/jackc/pgx/v5/pgtype"
	"github.com/jackc/pgx/v5/stdlib"
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

// sslSetting is libpq's name of how connections are encrypted.
const sslSetting = "sslmode"

func openPostgres(ctx context.Context, c Config) (*sql.DB, error) {
	u, err := url.Parse(c.URL)
	if err != nil {
		// What the parser says repeats parts of the URL, and with a password that
		// is not encoded nobody knows which part is the password.
		return nil, errors.New("the database's URL cannot be read; expected postgres://user:password@host:port/name, " +
			"with special characters in the password %-encoded")
	}
	// pgx prepares a statement once a connection, and from then on it costs one
	// round trip and no planning.
	config, err := pgx.ParseConfig(encrypted(*u).String())
	if err != nil {
		return nil, fmt.Errorf("the database's URL: %s", redact(err.Error(), c.URL, u))
	}
	if config.ConnectTimeout == 0 {
		config.ConnectTimeout = connectTime
	}
	config.DialFunc = newDialer().DialContext
	if config.RuntimeParams["application_name"] == "" {
		config.RuntimeParams["application_name"] = "mark"
	}
	config.RuntimeParams["timezone"] = "UTC"
	// A client that vanished in the midst of a transaction must not keep its locks
	// for the hours that the server's TCP would wait.
	if config.RuntimeParams[idleSetting] == "" {
		config.RuntimeParams[idleSetting] = strconv.FormatInt(idleTime.Milliseconds(), 10)
	}
	db := stdlib.OpenDB(*config, stdlib.OptionAfterConnect(timesInUTC))
	db.SetMaxOpenConns(c.MaxConns)
	db.SetMaxIdleConns(c.MaxConns)
	db.SetConnMaxIdleTime(5 * time.Minute)
	db.SetConnMaxLifetime(time.Hour) // so that a new primary or resolver entry is noticed
	if err := db.PingContext(ctx); err != nil {
		return nil, errors.Join(unreachable(err, c.URL, u), db.Close())
	}
	return db, nil
}

// encrypted is the URL with encryption asked for, where it says nothing of it: a
// password is not to be sent in the clear by default.
func encrypted(u url.URL) *url.URL {
	settings := u.Query()
	if settings.Get(sslSetting) == "" && os.Getenv("PGSSLMODE") == "" {
		settings.Set(sslSetting, "require")
		u.RawQuery = settings.Encode()
	}
	return &u
}

// timesInUTC has times come back in UTC, and not in the machine's zone.
func timesInUTC(_ context.Context, conn *pgx.Conn) error {
	conn.TypeMap().RegisterType(&pgtype.Type{
		Name: "timestamptz", OID: pgtype.TimestamptzOID, Codec: &pgtype.TimestamptzCodec{ScanLocation: time.UTC},
	})
	return nil
}

// unreachable says what a person can do about PostgreSQL's error.
func unreachable(err error, raw string, u *url.URL) error {
	text := redact(err.Error(), raw, u)
	var e *pgconn.PgError
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
