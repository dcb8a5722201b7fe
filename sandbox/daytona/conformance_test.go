package daytona_test

import (
	"testing"

	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/sandbox/daytona/daytonatest"
	"github.com/mark-analyst/mark/sandbox/sandboxtest"
)

// The suite that every provider passes.
func TestConformance(t *testing.T) {
	s := standIn(t, daytonatest.Options{})
	p := provider(t, s, configFor(t, s))
	sandboxtest.Run(t, func(t *testing.T, spec execution.Spec) execution.Session {
		return open(t, p, spec)
	})
}
