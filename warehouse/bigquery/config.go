// Package bigquery is the driver for Google BigQuery. Every statement goes
// through warehouse/guard, with a dry run of the very request that runs later.
//
// The official client browses, describes, waits and cancels. Jobs are begun through
// the generated client below it, for two reasons: the official one does not tell
// which routines and views a dry run found, which the guard must know; and a dry run
// and a run that one function builds cannot differ. Rows are read through it, too,
// because they are wanted as the API writes them.
package bigquery

import (
	"encoding/json"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"time"

	"google.golang.org/api/option"

	"github.com/mark-analyst/mark/internal/clock"
	"github.com/mark-analyst/mark/warehouse"
)

// Config is a connection.
type Config struct {
	Name     string // unique in a server
	Project  string // that jobs run in and that is billed
	Location string // of the data, such as "EU"; "" lets BigQuery find it out
	// Credentials say as whom. They are read from where they point to and kept
	// nowhere else.
	Credentials Credentials
	// Allow are patterns like "project.dataset.table" with asterisks: the tables
	// that may be read and are shown. It may not be empty.
	Allow []string
	// Policy is taken as it is; begin with DefaultPolicy.
	Policy warehouse.Policy
	// Endpoint is another address of the API, for emulators, or "".
	Endpoint string
	// CancelWait is how long a stopped query may take to say what it billed; 0
	// stands for 10 s.
	CancelWait time.Duration
	// Clock is nil for the machine's.
	Clock clock.Clock
}

// Credentials refer to credentials; they are none themselves.
type Credentials struct {
	Kind CredentialsKind
	File string // of ServiceAccount and WorkloadIdentity
}

// CredentialsKind is where credentials come from.
type CredentialsKind string

// The kinds of credentials.
const (
	// ApplicationDefault is what the machine is set up with.
	ApplicationDefault CredentialsKind = "adc"
	// ServiceAccount is a service account's key file.
	ServiceAccount CredentialsKind = "service_account"
	// WorkloadIdentity is a file that says how to exchange another identity for
	// Google's ("external_account").
	WorkloadIdentity CredentialsKind = "workload_identity"
	// NoCredentials goes with an Endpoint that asks for none.
	NoCredentials CredentialsKind = "none"
)

// DefaultPolicy is a policy for careful beginnings: a query may bill 100 GiB
// (US$ 0.61), and from 10 GiB (US$ 0.06) on a person is asked.
func DefaultPolicy() warehouse.Policy {
	const gib = 1 << 30
	return warehouse.Policy{
		BytesPerQuery:   100 * gib,
		BytesPerRun:     200 * gib,
		BytesPerUserDay: 1024 * gib,
		ApprovalBytes:   10 * gib,
		ApprovalMicros:  100_000,
		MicrosPerTiB:    6_250_000,
		MaxRows:         1_000_000,
		MaxBytes:        256 << 20,
		MaxSQLBytes:     100_000,
		Timeout:         5 * time.Minute,
		MetadataTimeout: 30 * time.Second,
		Views:           warehouse.ExpandViews,
	}
}

// check says what is wrong with a configuration.
func (c Config) check() error {
	p := c.Policy
	switch {
	case c.Name == "" || c.Project == "":
		return fmt.Errorf("a connection needs a name and a project")
	case p.MaxSQLBytes <= 0 || p.Timeout <= 0 || p.MetadataTimeout <= 0:
		return fmt.Errorf("%s: the longest statement, the timeout of queries and that of metadata must be set", c.Name)
	case min(p.BytesPerQuery, p.BytesPerRun, p.BytesPerUserDay, p.ApprovalBytes, p.ApprovalMicros, p.MicrosPerTiB, p.MaxRows, p.MaxBytes) < 0:
		return fmt.Errorf("%s: a limit is negative", c.Name)
	case p.Views != "" && p.Views != warehouse.ExpandViews && p.Views != warehouse.RefuseViews:
		return fmt.Errorf("%s: views may be %q or %q, not %q", c.Name, warehouse.ExpandViews, warehouse.RefuseViews, p.Views)
	case c.Endpoint != "" && c.Credentials.Kind != NoCredentials && !private(c.Endpoint):
		return fmt.Errorf("%s: credentials are sent over https only", c.Name)
	}
	return nil
}

// private tells whether what is sent there cannot be read on the way.
func private(endpoint string) bool {
	u, err := url.Parse(endpoint)
	if err != nil {
		return false
	}
	ip := net.ParseIP(u.Hostname())
	return u.Scheme == "https" || ip != nil && ip.IsLoopback()
}

// options are the client's options.
func (c Config) options() ([]option.ClientOption, error) {
	opts := []option.ClientOption{option.WithUserAgent("mark")}
	if c.Endpoint != "" {
		opts = append(opts, option.WithEndpoint(c.Endpoint))
	}
	file := c.Credentials.File
	switch c.Credentials.Kind {
	case ApplicationDefault:
		return opts, nil
	case ServiceAccount:
		return append(opts, option.WithAuthCredentialsFile(option.ServiceAccount, file)), ofType(file, "service_account")
	case WorkloadIdentity:
		return append(opts, option.WithAuthCredentialsFile(option.ExternalAccount, file)), ofType(file, "external_account")
	case NoCredentials:
		return append(opts, option.WithoutAuthentication()), nil
	}
	return nil, fmt.Errorf("%s: credentials may be %q, %q, %q or %q", c.Name, ApplicationDefault, ServiceAccount, WorkloadIdentity, NoCredentials)
}

// ofType checks that a file holds credentials of the type that the configuration
// says: the client takes any, whatever it is told.
func ofType(file, want string) error {
	data, err := os.ReadFile(file)
	if err != nil {
		return badCredentials(err)
	}
	var content struct {
		Type string `json:"type"`
	}
	if json.Unmarshal(data, &content) != nil || content.Type != want {
		return badCredentials(errors.New("another type of credentials"))
	}
	return nil
}
