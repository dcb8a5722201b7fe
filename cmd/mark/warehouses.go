package main

import (
	"context"
	"errors"
	"fmt"

	"github.com/mark-analyst/mark/agent"
	"github.com/mark-analyst/mark/warehouse"
	"github.com/mark-analyst/mark/warehouse/bigquery"
	"github.com/mark-analyst/mark/warehouse/connections"
)

// openWarehouses opens the connections of the list: none where there is no list.
// Nothing is asked of any yet.
func openWarehouses(ctx context.Context, c Config) ([]warehouse.Warehouse, error) {
	if c.Warehouses == "" {
		return nil, nil
	}
	listed, err := connections.Load(c.Warehouses)
	if err != nil {
		return nil, err
	}
	var open []warehouse.Warehouse
	for _, config := range listed {
		if config.Name == agent.FilesConnection {
			return nil, errors.Join(fmt.Errorf("MARK_WAREHOUSES: connection %q: the name is taken by SQL over the chats' files", config.Name), closeWarehouses(open))
		}
		w, err := bigquery.Open(ctx, config)
		if err != nil {
			return nil, errors.Join(fmt.Errorf("MARK_WAREHOUSES: connection %q: %w", config.Name, err), closeWarehouses(open))
		}
		open = append(open, w)
	}
	return open, nil
}

func closeWarehouses(all []warehouse.Warehouse) error {
	var errs []error
	for _, w := range all {
		errs = append(errs, w.Close())
	}
	return errors.Join(errs...)
}
