//go:build unix

package main

import (
	"context"
	"fmt"
	"os"
	"path/filepath"

	"golang.org/x/sys/unix"
)

// lockDataDir makes sure that no other Mark works in the data folder: at its
// start it would end this one's runs.
func (a *App) lockDataDir() error {
	f, err := os.OpenFile(filepath.Join(a.config.DataDir, "lock"), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return fmt.Errorf("write to the data folder (MARK_DATA_DIR): %w", err)
	}
	if err := unix.Flock(int(f.Fd()), unix.LOCK_EX|unix.LOCK_NB); err != nil {
		_ = f.Close() // nothing was written
		return fmt.Errorf("another Mark works in the data folder %s: end it, or set MARK_DATA_DIR", a.config.DataDir)
	}
	a.closers = append(a.closers, func(context.Context) error { return f.Close() })
	return nil
}
