package testpg

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"io"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"time"
)

//go:embed watchdog.sh
var watchdog string

// startTime bounds initdb and the server's start: about a second on an idle
// machine, far more on a busy one.
const startTime = 2 * time.Minute

// Server is a running PostgreSQL server.
type Server struct {
	folder string // the account's: data, socket, log
	watch  *exec.Cmd
	hold   io.Closer     // closing it stops the server
	ended  chan struct{} // closed once the server and its watchdog are gone

	mu        sync.Mutex           // protects what follows
	templates map[string]*template // by name
}

// Start makes a new cluster and starts a server on it, with settings ("a=b") of
// its configuration over the usual ones. The caller stops it; it also ends by
// itself when this process does. The error is ErrUnavailable where there is
// nothing to start.
func Start(ctx context.Context, settings ...string) (*Server, error) {
	account, err := currentAccount()
	if err != nil {
		return nil, errors.Join(ErrUnavailable, err)
	}
	return start(ctx, newLocator(account), settings...)
}

func start(ctx context.Context, l locator, settings ...string) (_ *Server, err error) {
	folder, err := os.MkdirTemp(socketRoot(), "mark-pg-")
	if err != nil {
		return nil, fmt.Errorf("testpg: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(fmt.Errorf("testpg: %w", err), os.RemoveAll(folder))
		}
	}()
	if err := l.account.own(folder); err != nil {
		return nil, err
	}
	bin, err := l.find(ctx, folder)
	if err != nil {
		return nil, err
	}
	ctx, cancel := context.WithTimeout(ctx, startTime)
	defer cancel()
	data := filepath.Join(folder, "data")
	if _, err := l.account.run(ctx, folder, filepath.Join(bin, "initdb"),
		"-D", data, "-A", "trust", "-U", "postgres", "-E", "UTF8", "--locale="+locale(), "--no-sync"); err != nil {
		return nil, err
	}
	s := &Server{folder: folder, ended: make(chan struct{}), templates: map[string]*template{}}
	if err := s.launch(l.account, filepath.Join(bin, "postgres"), data, settings); err != nil {
		return nil, err
	}
	if err := s.ready(ctx); err != nil {
		return nil, errors.Join(err, s.Stop())
	}
	return s, nil
}

// socketRoot is where folders are made: the usual place for temporary files,
// unless its name is too long for the 107 bytes of a Unix socket's address.
func socketRoot() string {
	if root := os.TempDir(); len(root) < 60 {
		return root
	}
	return "/tmp"
}

// launch starts the watchdog, and it the server. The watchdog runs without a
// context: only closing the pipe, or this process's end, ends it.
func (s *Server) launch(a account, postgres, data string, settings []string) error {
	log, err := os.Create(s.logFile())
	if err != nil {
		return err
	}
	defer log.Close()
	read, write, err := os.Pipe()
	if err != nil {
		return err
	}
	defer read.Close()
	args := []string{"-c", watchdog, "testpg", s.folder, postgres, "-D", data, "-k", s.folder}
	for _, setting := range slices.Concat([]string{
		"listen_addresses=", "max_connections=200", "shared_buffers=32MB", "timezone=UTC",
		// Durability is worth nothing here.
		"fsync=off", "synchronous_commit=off", "full_page_writes=off",
	}, settings) {
		args = append(args, "-c", setting)
	}
	s.watch = a.command(context.Background(), "/", "/bin/sh", args...)
	s.watch.Stdin, s.watch.Stdout, s.watch.Stderr = read, log, log
	if err := s.watch.Start(); err != nil {
		return errors.Join(err, write.Close())
	}
	s.hold = write
	go func() {
		defer close(s.ended)
		s.watch.Wait() //nolint:errcheck // an immediate shutdown's status says nothing; ready reads the log
	}()
	return nil
}

func (s *Server) logFile() string { return filepath.Join(s.folder, "log") }

// ready waits until the server answers, has ended, or ctx has.
func (s *Server) ready(ctx context.Context) error {
	retry := time.NewTicker(10 * time.Millisecond)
	defer retry.Stop()
	for {
		err := s.exec(ctx, "SELECT 1")
		if err == nil {
			return nil
		}
		// Read while it is there: the watchdog erases it with the folder.
		log, _ := os.ReadFile(s.logFile()) // it adds detail to an error
		select {
		case <-s.ended:
			return errors.Join(errors.New("the server ended while starting"), outputError(strings.TrimSpace(string(log))))
		case <-ctx.Done():
			return errors.Join(fmt.Errorf("the server does not answer: %w", ctx.Err()), err, outputError(strings.TrimSpace(string(log))))
		case <-retry.C:
		}
	}
}

// URL returns the address of a database of the server, in the form that
// lib/pq and pgx understand. The user is the superuser "postgres".
func (s *Server) URL(database string) string {
	u := url.URL{
		Scheme: "postgres",
		Path:   "/" + database,
		RawQuery: url.Values{
			"host": {s.folder}, "user": {"postgres"}, "sslmode": {"disable"},
		}.Encode(),
	}
	return u.String()
}

// stopTime is how long the watchdog has to end the server and tidy up:
// PostgreSQL itself kills what has not ended within 5 seconds of SIGQUIT.
const stopTime = 20 * time.Second

// Stop ends the server at once and erases its files. It returns when that is
// done; stopping twice is harmless.
func (s *Server) Stop() error {
	err := s.hold.Close()
	if errors.Is(err, os.ErrClosed) {
		err = nil
	}
	select {
	case <-s.ended:
	case <-time.After(stopTime):
		err = errors.Join(err, errors.New("the server did not end and was killed"),
			syscall.Kill(-s.watch.Process.Pid, syscall.SIGKILL)) // the group
		<-s.ended
	}
	// The watchdog may have been killed before it could erase them.
	return errors.Join(err, os.RemoveAll(s.folder))
}
