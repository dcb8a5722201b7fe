package main

import (
	"context"
	"os"
	"path/filepath"
	"time"
)

// jumpTime is how long clocks are wrong.
const jumpTime = 8 * time.Second

// clocksJump has the clocks of two nodes jump, one ahead and one back, and puts
// them right again.
func clocksJump(ctx context.Context, r *round) error {
	for i, wrong := range []string{"5m", "-5m"} {
		path := filepath.Join(r.Nodes[i].Dir, "clock")
		if err := os.WriteFile(path, []byte(wrong), 0o600); err != nil {
			return err
		}
		defer os.Remove(path)
	}
	return rest(ctx, jumpTime)
}
