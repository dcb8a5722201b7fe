package auth_test

import (
	"context"
	"testing"

	"github.com/mark-analyst/mark/auth"
	"github.com/mark-analyst/mark/internal/fault"
)

func TestViewer(t *testing.T) {
	v, ctx := someone(), t.Context()
	for name, c := range map[string]struct {
		ctx            context.Context
		viewer, system bool
	}{
		"nobody":             {ctx, false, false},
		"a viewer":           {auth.WithViewer(ctx, v), true, false},
		"an empty viewer":    {auth.WithViewer(ctx, auth.Viewer{}), false, false},
		"the system":         {auth.System(ctx, "sweep"), false, true},
		"without a reason":   {auth.System(ctx, ""), false, false},
		"system over viewer": {auth.System(auth.WithViewer(ctx, v), "sweep"), false, true},
		"viewer over system": {auth.WithViewer(auth.System(ctx, "sweep"), v), true, false},
		"no reason, viewer":  {auth.System(auth.WithViewer(ctx, v), ""), false, false},
	} {
		got, err := auth.Require(c.ctx)
		if c.viewer != (err == nil) || c.viewer && got != v {
			t.Errorf("%s: viewer %+v, %v", name, got, err)
		}
		if err != nil && !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("%s: %v", name, err)
		}
		if _, ok := auth.SystemReason(c.ctx); ok != c.system {
			t.Errorf("%s: acts as the system: %t", name, ok)
		}
	}
}
