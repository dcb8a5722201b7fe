package gvisor_test

import (
	"testing"

	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/sandbox/gvisor/gvisortest"
	"github.com/mark-analyst/mark/sandbox/sandboxtest"
)

// The suite that every provider passes.
func TestConformance(t *testing.T) {
	p := gvisortest.Provider(t)
	sandboxtest.Run(t, func(t *testing.T, spec execution.Spec) execution.Session {
		s, err := p.Open(t.Context(), spec)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := s.Close(); err != nil {
				t.Errorf("closing the session: %v", err)
			}
		})
		return s
	})
}
