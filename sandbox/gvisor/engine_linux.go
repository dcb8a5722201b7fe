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
	"runtime"
	"strconv"
	"sync"
	"time"

	"golang.org/x/sys/unix"

	"github.com/mark-analyst/mark/internal/clock"
	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/sandbox"
	"github.com/mark-analyst/mark/sandbox/internal/fair"
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
	fits       string          // names what a snapshot of now can be resumed on
	folder     string          // of this service's live sessions
	shares     string          // the cgroup that holds one a session; "": none
	held       []io.Closer     // locks on what others must not remove
	remap      remapper
	places     *fair.Queue // as many as sessions may live
	starts     *fair.Queue // as many as may be starting at once
	pool       *pool

	mu       sync.Mutex
	sessions map[*session]struct{} // guarded by mu; nil after close
	next     int                   // guarded by mu; names the next session's folder
}

func newEngine(ctx context.Context, config Config) (*engine, error) {
	config.Limits = config.Limits.Or(DefaultLimits())
	fill(&config.Sessions, DefaultSessions)
	fill(&config.UID, DefaultUID)
	if config.Logger == nil {
		config.Logger = slog.Default()
	}
	e := &engine{
		config: config, places: fair.New(config.Sessions), starts: fair.New(max(runtime.NumCPU(), 1)),
		sessions: map[*session]struct{}{},
	}
	e.pool = newPool(e)
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
	e.shares = shareFolder(e.uid)
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
	if err := e.verify(ctx); err != nil {
		return err
	}
	e.pool.fill()
	return nil
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

// open gives a session from the pool, or restores one, and waits until its Python
// answers.
func (e *engine) open(ctx context.Context, spec execution.Spec) (execution.Session, error) {
	return e.openWith(ctx, spec, func(ctx context.Context) (*session, error) {
		if s := e.pool.take(ctx, spec); s != nil {
			return s, nil
		}
		return e.startNew(ctx, spec)
	})
}

// openWith waits for a place among the sessions and has one started in it.
func (e *engine) openWith(ctx context.Context, spec execution.Spec, start func(context.Context) (*session, error)) (execution.Session, error) {
	place, err := e.places.Acquire(ctx, spec.Owner)
	if err != nil {
		failure := cancelled(err)
		failure.Message = fmt.Sprintf("All %d Python sessions are in use; try again when one has ended.", e.config.Sessions)
		return nil, failure
	}
	s, err := start(ctx)
	if err == nil {
		err = e.register(s, place)
	}
	if err == nil {
		return s, nil
	}
	place()
	if ctx.Err() != nil {
		return nil, cancelled(errors.Join(ctx.Err(), err))
	}
	if errors.Is(err, sandbox.ErrSnapshot) {
		return nil, err
	}
	if known := (*execution.Error)(nil); errors.As(err, &known) {
		return nil, known
	}
	return nil, unavailable(err, "A Python session could not be started: "+sentence(err))
}

// register puts a session on the books. From then on it gives back its place
// when it ends.
func (e *engine) register(s *session, place func()) error {
	e.mu.Lock()
	if e.sessions == nil {
		e.mu.Unlock()
		s.end()
		return unavailable(nil, "The service is shutting down.")
	}
	defer e.mu.Unlock()
	if s.forgotten { // it died before it was on the books
		return s.gone(nil)
	}
	s.place = place
	e.sessions[s] = struct{}{}
	return nil
}

// startNew waits for its turn among those that start, and returns a running session
// that is like new.
func (e *engine) startNew(ctx context.Context, spec execution.Spec) (*session, error) {
	free, err := e.starts.Acquire(ctx, spec.Owner)
	if err != nil {
		return nil, err
	}
	defer free()
	return e.start(ctx, spec, nil)
}

// start returns a running session: one that is like new, or with a snapshot, one
// that goes on from there. It is the caller's turn among those that start.
func (e *engine) start(ctx context.Context, spec execution.Spec, snapshot *origin) (_ *session, err error) {
	s := &session{
		engine: e, limits: e.limits(spec), over: make(chan struct{}),
		checkpoints: make(chan event, 1), usages: make(chan event, 1), cpuTimes: make(chan event, 1),
	}
	if s.dir, err = e.sessionFolder(); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			os.RemoveAll(s.dir)
		}
	}()
	if s.share, err = e.makeShare(filepath.Base(s.dir)); err != nil {
		return nil, err
	}
	defer func() {
		if err != nil && s.share != "" {
			_ = os.Remove(s.share)
		}
	}()
	var inputs []bind
	if inputs, s.inputs, err = e.mountInputs(filepath.Join(s.dir, inputName), spec.Files); err != nil {
		return nil, err
	}
	p := e.plan(e.checkpoint)
	restoreTime := openTime
	if snapshot != nil {
		if err = s.standIn(snapshot.standIns); err != nil {
			return nil, err
		}
		restoreTime = snapshot.time
		for i := range p.Mounts {
			if p.Mounts[i].To == imageAt {
				p.Mounts[i].From = snapshot.folder
			}
		}
	}
	p.Mounts = append(p.Mounts, inputs...)
	p.Mounts = append(p.Mounts, bind{From: filepath.Join(s.dir, snapshotName), To: snapshotAt, Writable: true})
	if s.share != "" {
		p.Share = filepath.Join(s.share, "cgroup.procs")
	}
	p.Restore, p.Checkpoint, p.MemoryBytes = imageAt, snapshotAt, s.limits.MemoryBytes
	s.proc, err = launch(e.config.Launcher, p)
	closeMounts(inputs)
	if err != nil {
		return nil, err
	}
	defer func() {
		if err != nil {
			s.proc.kill()
		}
	}()
	if err := s.proc.awaitStart(ctx, restoreTime); err != nil {
		if errors.Is(err, errRestore) {
			err = snapshot.blame(err)
		}
		return nil, err
	}
	names := make([]string, len(spec.Files))
	for i, f := range spec.Files {
		names[i] = f.Name
	}
	s.conn = kernel.New(s.proc.stdout, s.proc.stdin, kernel.Options{
		Limits: s.limits, ArtifactDir: filepath.Join(s.dir, artifactsName), Files: names, Touch: spec.Owner == poolOwner,
		CPUTime: s.cpuTime,
	})
	ready := s.conn.Ready
	if snapshot != nil {
		ready = func(ctx context.Context) error { return s.conn.Enter(ctx, names) }
	}
	ctx, cancel := context.WithTimeout(ctx, openTime)
	defer cancel()
	if err := ready(ctx); err != nil {
		_ = s.conn.Close() // the folder goes, too
		return nil, snapshot.blame(fmt.Errorf("%w: %s", err, s.proc.stderr))
	}
	go s.watch()
	return s, nil
}

// limits are a session's: what is part of the checkpoint is the same for all.
func (e *engine) limits(spec execution.Spec) execution.Limits {
	limits := spec.Limits.Or(e.config.Limits)
	limits.Processes, limits.DiskBytes = e.config.Limits.Processes, e.config.Limits.DiskBytes
	return limits
}

// The folders in a session's own.
const (
	artifactsName = "artifacts"
	inputName     = "input"
)

func (e *engine) sessionFolder() (string, error) {
	e.mu.Lock()
	e.next++
	dir := filepath.Join(e.folder, strconv.Itoa(e.next))
	e.mu.Unlock()
	return dir, errors.Join(
		os.MkdirAll(filepath.Join(dir, artifactsName), 0o700),
		os.Mkdir(filepath.Join(dir, inputName), 0o755),
		os.Chmod(filepath.Join(dir, inputName), 0o755), // whatever the service's umask: others enter it
		e.makeTheirs(filepath.Join(dir, snapshotName)))
}

// forget takes an ended session off the books.
func (e *engine) forget(s *session) {
	e.mu.Lock()
	_, there := e.sessions[s]
	delete(e.sessions, s)
	s.forgotten = true
	e.mu.Unlock()
	if there {
		s.place()
	}
	e.pool.lost(s)
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
	e.pool.close()
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
