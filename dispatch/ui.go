package dispatch

import (
	"riverqueue.com/riverui"
	"riverqueue.com/riverui/uiendpoints"
)

// opened keeps an open client and how to make its page.
func (d *Dispatcher) opened(c client, endpoints uiendpoints.Bundle) {
	d.mu.Lock()
	defer d.mu.Unlock()
	d.client = c
	d.ui = func(prefix string) (UI, error) {
		return riverui.NewHandler(&riverui.HandlerOpts{Endpoints: endpoints, Logger: d.config.Logger, Prefix: prefix})
	}
}

// UI returns River's page for operators, to be served below the prefix. It shows
// and changes everybody's jobs: who may see it is the caller's to decide.
func (d *Dispatcher) UI(prefix string) (UI, error) {
	d.mu.RLock()
	defer d.mu.RUnlock()
	if d.ui == nil {
		return nil, ErrNotRunning
	}
	return d.ui(prefix)
}
