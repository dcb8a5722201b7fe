//go:build linux && (amd64 || arm64)

package gvisor

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mark-analyst/mark/internal/clock"
	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/sandbox/kernel"
)

// openTime bounds the start of one session, which takes a quarter of a second on
// an idle machine.
const openTime = 30 * time.Second

// engine is a provider that works.
type engine struct {
	config     Config
	uid        int             // of the sessions; 0: the service's own, see sessionsUser
	spec       json.RawMessage // of every session
	checkpoint string          // its folder
	folder     string          // of this service's live sessions
	held       []io.Closer     // locks on what others must not remove
	remap      remapper
	slots      chan struct{} // holds one element for each live session

	mu       sync.Mutex
	sessions map[*session]struct{} // guarded by mu; nil after close
	next     int                   // guarded by mu; names the next session's folder
}

func newEngine(ctx context.Context, config Config) (*engine, error) {
	config.Limits = withDefaults(config.Limits, DefaultLimits())
	fill(&config.Sessions, DefaultSessions)
	fill(&config.UID, DefaultUID)
	if config.Logger == nil {
		config.Logger = slog.Default()
	}
	e := &engine{
		config: config, slots: make(chan struct{}, config.Sessions),
		sessions: map[*session]struct{}{},
	}
	if err := e.prepare(ctx); err != nil {
		_ = e.close() // the next service removes what this one cannot
		return nil, err
	}
	return e, nil
}

func (e *engine) prepare(ctx context.Context) error {
	for _, path := range []*string{&e.config.Dir, &e.config.Launcher} {
		abs, err := filepath.Abs(*path)
		if err != nil {
			return err
		}
		*path = abs
	}
	if err := os.MkdirAll(e.config.Dir, 0o755); err != nil {
		return err
	}
	var err error
	if e.uid, err = sessionsUser(e.config.UID); err != nil {
		return err
	}
	tree, err := e.config.Tree.Hold()
	if err != nil {
		return err
	}
	e.held = append(e.held, tree)
	if e.spec, err = sessionSpec(e.config.Limits); err != nil {
		return err
	}
	if err := e.makeFolder(); err != nil {
		return err
	}
	if err := e.ensureCheckpoint(ctx); err != nil {
		return err
	}
	return e.verify(ctx)
}

// makeFolder makes the folder of this service's sessions, and removes those of
// services that ended without doing so. Their processes ended with them: a
// launcher ends when its service does.
func (e *engine) makeFolder() error {
	all := filepath.Join(e.config.Dir, "sessions")
	if err := os.MkdirAll(all, 0o700); err != nil {
		return err
	}
	unlock, err := lockFile(context.Background(), filepath.Join(e.config.Dir, "sessions.lock")) // held for moments only
	if err != nil {
		return err
	}
	defer unlock()
	entries, err := os.ReadDir(all)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		path := filepath.Join(all, entry.Name())
		if !unused(filepath.Join(path, holdName)) {
			continue
		}
		e.config.Logger.Info("removing the files of sessions that a former service left", "folder", path)
		if err := os.RemoveAll(path); err != nil {
			return err
		}
	}
	if e.folder, err = os.MkdirTemp(all, strconv.Itoa(os.Getpid())+"-"); err != nil {
		return err
	}
	lock, err := os.OpenFile(filepath.Join(e.folder, holdName), os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return err
	}
	e.held = append(e.held, lock)
	return unix.Flock(int(lock.Fd()), unix.LOCK_SH|unix.LOCK_NB)
}

func (e *engine) phase(name string) {
	if e.config.Progress != nil {
		e.config.Progress(name)
	}
}

// plan is what every launch has in common; from is the checkpoint's folder.
func (e *engine) plan(from string) plan {
	p := plan{
		Over: e.config.Dir,
		Mounts: []bind{
			{From: e.config.Tree.Root, To: treeAt},
			{From: filepath.Join(from, kernelName), To: kernelAt},
			{From: filepath.Join(from, imageName), To: imageAt},
		},
		Spec: e.spec, UID: e.uid, GID: e.uid,
	}
	if e.config.LauncherLog != "" {
		p.Mounts = append(p.Mounts, bind{From: e.config.LauncherLog, To: logAt, Writable: true})
		p.DebugLog = logAt
	}
	return p
}

// open restores a session and waits until its Python answers.
func (e *engine) open(ctx context.Context, spec execution.Spec) (execution.Session, error) {
	select {
	case e.slots <- struct{}{}:
	case <-ctx.Done():
		err := cancelled(ctx.Err())
		err.Message = fmt.Sprintf("All %d Python sessions are in use; try again when one has ended.", e.config.Sessions)
		return nil, err
	}
	s, err := e.start(ctx, spec)
	if err == nil {
		return s, nil
	}
	<-e.slots
	if ctx.Err() != nil {
		return nil, cancelled(errors.Join(ctx.Err(), err))
	}
	if known := (*execution.Error)(nil); errors.As(err, &known) {
		return nil, known
	}
	return nil, unavailable(err, "A Python session could not be started: "+sentence(err))
}

// start returns a running session that is registered and owns a slot.
func (e *engine) start(ctx context.Context, spec execution.Spec) (_ *session, err error) {
	ctx, cancel := context.WithTimeout(ctx, openTime)
	defer cancel()
	limits := withDefaults(spec.Limits, e.config.Limits)
	limits.Processes, limits.DiskBytes = e.config.Limits.Processes, e.config.Limits.DiskBytes
	dir, err := e.sessionFolder()
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			os.RemoveAll(dir)
		}
	}()
	inputs, err := e.inputs(dir, spec.Files)
	if err != nil {
		return nil, err
	}
	p := e.plan(e.checkpoint)
	p.Mounts = append(p.Mounts, inputs...)
	p.Restore, p.MemoryBytes = imageAt, limits.MemoryBytes
	proc, err := launch(e.config.Launcher, p)
	closeMounts(inputs)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			proc.kill()
		}
	}()
	names := make([]string, len(spec.Files))
	for i, f := range spec.Files {
		names[i] = f.Name
	}
	if err := proc.await(ctx, kindStarted); err != nil {
		return nil, err
	}
	s := &session{
		engine: e, dir: dir, proc: proc, limits: limits, over: make(chan struct{}),
		conn: kernel.New(proc.stdout, proc.stdin, kernel.Options{
			Limits: limits, ArtifactDir: filepath.Join(dir, artifactsName), Files: names,
		}),
	}
	if err := s.conn.Ready(ctx); err != nil {
		_ = s.conn.Close() // the folder goes, too
		return nil, fmt.Errorf("%w: %s", err, proc.stderr)
	}
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.sessions == nil {
		_ = s.conn.Close() // the folder goes, too
		return nil, unavailable(nil, "The service is shutting down.")
	}
	e.sessions[s] = struct{}{}
	go s.watch()
	return s, nil
}

const artifactsName = "artifacts"

func (e *engine) sessionFolder() (string, error) {
	e.mu.Lock()
	e.next++
	dir := filepath.Join(e.folder, strconv.Itoa(e.next))
	e.mu.Unlock()
	return dir, os.MkdirAll(filepath.Join(dir, artifactsName), 0o700)
}

// forget takes an ended session off the books.
func (e *engine) forget(s *session) {
	e.mu.Lock()
	delete(e.sessions, s)
	e.mu.Unlock()
	<-e.slots
}

func (e *engine) detail() string {
	l := e.config.Limits
	who := "the service's own user, in a user namespace"
	if e.uid != 0 {
		who = fmt.Sprintf("user %d", e.uid)
	}
	return fmt.Sprintf("Each session runs in a gVisor sandbox as %s: no network, no files of this machine but its inputs, a read-only root, no capabilities; at most %d MiB of memory, %d processes and %s a step.",
		who, l.MemoryBytes>>20, l.Processes, clock.Words(l.StepTime))
}

func (e *engine) close() error {
	e.mu.Lock()
	live := e.sessions
	e.sessions = nil
	e.mu.Unlock()
	var ends sync.WaitGroup
	for s := range live {
		ends.Go(func() { _ = s.Close() }) // what it leaves goes with e.folder
	}
	ends.Wait()
	if live == nil {
		return nil // closed before
	}
	var err error
	if e.folder != "" {
		err = os.RemoveAll(e.folder)
	}
	for _, c := range e.held {
		err = errors.Join(err, c.Close())
	}
	return errors.Join(err, e.remap.close())
}
