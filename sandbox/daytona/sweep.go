package daytona

import (
	"context"
	"errors"
	"time"
)

// sweep deletes the sandboxes of this service that it does not know: a former
// process left them, or Daytona made them although it never said so.
func (p *Provider) sweep(ctx context.Context) error {
	found, err := p.control.list(ctx, map[string]string{labelManaged: managedBy, labelNode: p.node})
	if err != nil {
		return err
	}
	// Asked after the list: what was made before it, and is known, is in it.
	known := p.names()
	var errs []error
	for _, s := range found {
		if state := string(s.State); known[s.Name] || state == stateDestroyed || state == stateDestroying {
			continue
		}
		p.config.Logger.InfoContext(ctx, "deleting a sandbox that nobody uses", "sandbox", s.Name, "state", s.State)
		if err := p.control.remove(ctx, s.ID); err != nil {
			errs = append(errs, err)
		}
	}
	return errors.Join(errs...)
}

// soon is when a sandbox is looked for of which it is not known whether Daytona
// made it; if it is not there, again after twice that, and so on.
const soon = 5 * time.Second

// doubt has orphans searched for sooner.
func (p *Provider) doubt() {
	select {
	case p.doubts <- struct{}{}:
	default:
	}
}

// sweepOften sweeps until the provider is closed.
func (p *Provider) sweepOften() {
	wait := p.config.Sweep
	timer := time.NewTimer(wait)
	defer timer.Stop()
	for {
		select {
		case <-p.doubts:
			wait = min(soon, p.config.Sweep)
			timer.Reset(wait)
			continue
		case <-timer.C:
		case <-p.ctx.Done():
			return
		}
		if err := p.sweep(p.ctx); err != nil && p.ctx.Err() == nil {
			p.config.Logger.WarnContext(p.ctx, "the search for orphaned sandboxes failed", "error", err)
		}
		wait = min(2*wait, p.config.Sweep)
		timer.Reset(wait)
	}
}
