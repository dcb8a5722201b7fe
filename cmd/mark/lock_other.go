//go:build !unix

package main

// lockDataDir does nothing where there are no advisory locks.
func (a *App) lockDataDir() error { return nil }
