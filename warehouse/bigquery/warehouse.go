package bigquery

import (
	"context"
	"errors"
	"fmt"
	"time"

	"cloud.google.com/go/bigquery"
	bq "google.golang.org/api/bigquery/v2"

	"github.com/mark-analyst/mark/internal/clock"
	"github.com/mark-analyst/mark/warehouse"
	"github.com/mark-analyst/mark/warehouse/guard"
	"github.com/mark-analyst/mark/warehouse/seal"
)

// Warehouse is a connection to BigQuery. It implements warehouse.Warehouse.
type Warehouse struct {
	config Config
	client *bigquery.Client
	jobs   *bq.Service // begins jobs, lists tables with their types
	guard  guard.Guard
	seal   *seal.Sealer
	clock  clock.Clock
}

var _ warehouse.Warehouse = (*Warehouse)(nil)

// Open returns a connection. It asks BigQuery nothing, so credentials that are
// there and no longer good show only later; those that are not there are a
// *warehouse.Error with CodeBadCredentials. Any other error is the
// configuration's.
func Open(ctx context.Context, config Config) (*Warehouse, error) {
	if err := config.check(); err != nil {
		return nil, fmt.Errorf("bigquery: %w", err)
	}
	allow, err := guard.NewAllowList(config.Allow)
	if err != nil {
		return nil, fmt.Errorf("bigquery: %s: %w", config.Name, err)
	}
	opts, err := config.options()
	var unusable *warehouse.Error
	if errors.As(err, &unusable) {
		return nil, unusable
	}
	if err != nil {
		return nil, fmt.Errorf("bigquery: %w", err)
	}
	if config.CancelWait <= 0 {
		config.CancelWait = 10 * time.Second
	}
	w := &Warehouse{config: config, clock: config.Clock,
		guard: guard.Guard{Policy: config.Policy, Allow: allow, Project: config.Project}}
	if w.clock == nil {
		w.clock = clock.System{}
	}
	if w.seal, err = seal.New(); err != nil {
		return nil, fmt.Errorf("bigquery: %w", err)
	}
	// Both outlive ctx, which a client would keep for its tokens.
	ctx = context.WithoutCancel(ctx)
	if w.client, err = bigquery.NewClient(ctx, config.Project, opts...); err != nil {
		return nil, badCredentials(err)
	}
	w.client.Location = config.Location
	if w.jobs, err = bq.NewService(ctx, opts...); err != nil {
		return nil, badCredentials(err)
	}
	return w, nil
}

// Connection implements warehouse.Warehouse.
func (w *Warehouse) Connection() warehouse.Connection {
	return warehouse.Connection{Name: w.config.Name, Dialect: warehouse.GoogleSQL,
		Project: w.config.Project, Location: w.config.Location, Policy: w.config.Policy}
}

// Close implements warehouse.Warehouse.
func (w *Warehouse) Close() error { return w.client.Close() }

// brief bounds a call for metadata with its retries.
func (w *Warehouse) brief(ctx context.Context) (context.Context, context.CancelFunc) {
	return context.WithTimeout(ctx, w.config.Policy.MetadataTimeout)
}
