package daytona

import (
	"context"
	"errors"
	"fmt"

	"github.com/mark-analyst/mark/internal/execution"
)

// Open implements sandbox.Provider. A session is ready in a second or two where
// the pool has a sandbox for it, else when Daytona has started one.
func (p *Provider) Open(ctx context.Context, spec execution.Spec) (execution.Session, error) {
	if p.refused != nil {
		return nil, p.refused
	}
	if !p.enter() {
		return nil, closed()
	}
	defer p.background.Done()
	if err := checkFiles(spec.Files); err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, p.config.OpenTime)
	defer cancel()
	defer context.AfterFunc(p.ctx, cancel)()
	select {
	case p.slots <- struct{}{}:
	case <-ctx.Done():
		return nil, &execution.Error{
			Code:    execution.CodeCancelled,
			Message: fmt.Sprintf("All %d Python sessions are in use; try again when one has ended.", p.config.Sessions),
			Fatal:   true,
			Err:     ctx.Err(),
		}
	}
	s, err := p.open(ctx, spec)
	if err == nil && !p.remember(s) {
		s.provider = p
		s.end()
		return nil, closed()
	}
	if err != nil {
		<-p.slots
		failure := p.control.words.failure("open a Python session", err)
		if failure.Code != execution.CodeCancelled {
			p.note(failure)
		}
		p.config.Logger.WarnContext(ctx, "a Python session could not be opened", "error", failure)
		return nil, failure
	}
	p.note(nil)
	return s, nil
}

// open makes a session of a sandbox of the pool, or of a new one.
func (p *Provider) open(ctx context.Context, spec execution.Spec) (*session, error) {
	for b := p.fromPool(); b != nil; b = p.fromPool() {
		s, err := p.newSession(ctx, b, spec)
		if err == nil {
			return s, nil
		}
		// Daytona may have stopped it meanwhile: that is no reason to give up.
		p.background.Go(func() { b.end(p.ctx) })
		if ctx.Err() != nil {
			return nil, err
		}
	}
	b, err := p.newBox(ctx, false)
	if err != nil {
		return nil, err
	}
	s, err := p.newSession(ctx, b, spec)
	if err != nil {
		p.background.Go(func() { b.end(p.ctx) })
		return nil, err
	}
	return s, nil
}

// enter counts the caller among the background work, unless the provider is closed.
func (p *Provider) enter() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.sessions == nil {
		return false
	}
	p.background.Add(1)
	return true
}

// note keeps how the last Open went, for Isolation.
func (p *Provider) note(failure *execution.Error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.trouble = failure
}

// remember registers a session; it reports false when the provider is closed.
func (p *Provider) remember(s *session) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.sessions == nil {
		return false
	}
	p.sessions[s] = true
	return true
}

// forget takes a session that has ended out of the books.
func (p *Provider) forget(s *session) {
	p.mu.Lock()
	delete(p.sessions, s)
	p.mu.Unlock()
	<-p.slots
}

// checkFiles refuses names that are no names, before anything is made for them.
func checkFiles(files []execution.File) error {
	seen := map[string]bool{}
	for _, f := range files {
		if !execution.CleanName(f.Name) || seen[f.Name] {
			return &execution.Error{
				Code:    execution.CodeUnavailable,
				Message: "A file of the session has a name that cannot be used: " + fmt.Sprintf("%q", f.Name) + ".",
				Fatal:   true,
				Err:     errors.New("a name that is not clean, or comes twice"),
			}
		}
		seen[f.Name] = true
	}
	return nil
}
