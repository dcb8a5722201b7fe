package testpg

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// Mode is a way to shut the server down.
type Mode syscall.Signal

// The modes of pg_ctl stop.
const (
	Fast      = Mode(syscall.SIGINT)  // ends the sessions and writes everything down
	Immediate = Mode(syscall.SIGQUIT) // drops everything; the next start recovers from the log
)

// Socket is the path of the Unix socket that the server listens on.
func (s *Server) Socket() string { return filepath.Join(s.folder, ".s.PGSQL.5432") }

// Restart shuts the server down and starts it again, and returns when it answers.
func (s *Server) Restart(ctx context.Context, mode Mode) error {
	old, err := s.pid()
	if err != nil {
		return fmt.Errorf("testpg: restart: %w", err)
	}
	if err := os.WriteFile(filepath.Join(s.folder, "again"), nil, 0o644); err != nil {
		return fmt.Errorf("testpg: restart: %w", err)
	}
	if err := syscall.Kill(old, syscall.Signal(mode)); err != nil {
		return fmt.Errorf("testpg: restart: %w", err)
	}
	retry := time.NewTicker(10 * time.Millisecond)
	defer retry.Stop()
	for {
		if pid, err := s.pid(); err == nil && pid != old {
			if err := s.ready(ctx); err != nil {
				return fmt.Errorf("testpg: restart: %w", err)
			}
			return nil
		}
		select {
		case <-s.ended:
			return errors.New("testpg: restart: the server has ended")
		case <-ctx.Done():
			return fmt.Errorf("testpg: restart: %w", ctx.Err())
		case <-retry.C:
		}
	}
}

// pid is the server's own process.
func (s *Server) pid() (int, error) {
	text, err := os.ReadFile(filepath.Join(s.folder, "data", "postmaster.pid"))
	if err != nil {
		return 0, err
	}
	first, _, complete := strings.Cut(string(text), "\n")
	if !complete {
		return 0, fs.ErrNotExist // being written
	}
	return strconv.Atoi(first)
}
