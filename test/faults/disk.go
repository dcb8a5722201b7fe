//go:build linux

package main

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"path/filepath"
	"syscall"
	"time"

	"database/sql"

	_ "modernc.org/sqlite" // the driver "sqlite"
)

const (
	// diskSize is what the single node has for everything it stores.
	diskSize = "32m"
	// fullTime is how long there is no room.
	fullTime = 4 * time.Second
)

// diskFull has a single node on SQLite meet a full disk: a file system in memory,
// of a few megabytes, which needs root.
func diskFull() fault {
	var folder string
	var node int // its place in the cluster
	return fault{
		name: "disk full (SQLite)",
		before: func(ctx context.Context, r *round) (err error) {
			if folder, err = os.MkdirTemp("", "mark-faults-disk-"); err != nil {
				return err
			}
			r.undo = append(r.undo, func() { os.Remove(folder) })
			if err := syscall.Mount("mark", folder, "tmpfs", 0, "size="+diskSize); err != nil {
				return fmt.Errorf("mount a small file system (as root): %w", err)
			}
			r.undo = append(r.undo, func() { _ = syscall.Unmount(folder, syscall.MNT_DETACH) })
			for i, n := range r.Nodes {
				if err := n.Stop(ctx); err != nil {
					return err
				}
				if i != node {
					continue
				}
				undo := n.Set("MARK_DATABASE_URL=", "MARK_FILES_URL=", "MARK_DATA_DIR="+folder)
				r.undo = append(r.undo, func() { undo(); _ = n.Kill() }) // it is whole again for the next
				if err := n.Start(ctx); err != nil {
					return err
				}
			}
			address := url.URL{Scheme: "file", Path: filepath.Join(folder, "mark.db"), RawQuery: "mode=ro&_pragma=busy_timeout(5000)"}
			if r.stead, err = sql.Open("sqlite", address.String()); err != nil {
				return err
			}
			r.undo = append(r.undo, func() { _ = r.stead.Close() })
			return r.found(ctx, r.Nodes[node].Addr)
		},
		happen: func(ctx context.Context, r *round) error {
			path := filepath.Join(folder, "fill")
			if err := fill(path); err != nil {
				return err
			}
			full := time.Now()
			extra := r.load.name()
			_, err := r.load.people[0].try(ctx, extra)
			r.note("asked while the disk is full: %v, after %s", err, time.Since(full).Round(time.Millisecond))
			if err == nil {
				r.note("there was room for a question")
			}
			if err := rest(ctx, fullTime-time.Since(full)); err != nil {
				return err
			}
			return os.Remove(path)
		},
	}
}

// fill writes a file until there is no room for more.
func fill(path string) error {
	file, err := os.Create(path)
	if err != nil {
		return err
	}
	_, err = io.Copy(file, rand.Reader)
	if !errors.Is(err, syscall.ENOSPC) {
		return fmt.Errorf("fill the disk: %w", err)
	}
	if err := file.Close(); err != nil && !errors.Is(err, syscall.ENOSPC) {
		return err
	}
	return nil
}
