package kernel

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"sync"
	"unicode/utf8"

	"github.com/mark-analyst/mark/internal/execution"
)

// Conn is the host's end of one kernel; see execution.Session for Run's and
// Close's contract. It does not own the process: after a Fatal error the
// provider kills it.
type Conn struct {
	options  Options
	out      io.Reader
	in       io.Writer
	frames   chan frame  // from the reader; closed when it ended, after readErr is set
	requests chan []byte // to the writer
	readErr  error       // read it only after frames was closed
	done     chan struct{}
	loops    sync.WaitGroup
	store    *store

	mu      sync.Mutex
	running bool             // guarded by mu
	closed  bool             // guarded by mu
	failure *execution.Error // guarded by mu; set once
	failed  chan struct{}    // closed when failure is set
}

// New returns a Conn over the kernel's standard output (r) and input (w). It
// owns both: Close closes those that are io.Closers, which must unblock a Read.
func New(r io.Reader, w io.Writer, options Options) *Conn {
	options = options.withDefaults()
	c := &Conn{
		options:  options,
		out:      r,
		in:       w,
		frames:   make(chan frame),
		requests: make(chan []byte, 2*maxCallsAtOnce),
		done:     make(chan struct{}),
		failed:   make(chan struct{}),
		store:    newStore(options.ArtifactDir),
	}
	c.loops.Add(2)
	go c.read()
	go c.write()
	return c
}

// read hands frames on, one at a time, so that a kernel which sends faster
// than Run consumes is held up by its own pipe.
func (c *Conn) read() {
	defer c.loops.Done()
	defer close(c.frames)
	for {
		f, err := readFrame(c.out)
		if err != nil {
			c.readErr = err
			return
		}
		select {
		case c.frames <- f:
		case <-c.done:
			c.readErr = io.ErrClosedPipe
			return
		}
	}
}

// write keeps Run from hanging on a kernel that does not read. A failed write
// needs no report: whatever broke the pipe ends the reader too.
func (c *Conn) write() {
	defer c.loops.Done()
	for {
		select {
		case b := <-c.requests:
			if _, err := c.in.Write(b); err != nil {
				return
			}
		case <-c.done:
			return
		}
	}
}

// send queues a frame. The queue is longer than what a working kernel can leave
// in it, so a full one means that the kernel stopped reading.
func (c *Conn) send(f frame) *execution.Error {
	select {
	case c.requests <- appendFrame(nil, f):
		return nil
	default:
		return c.fail(died(errors.New("the kernel does not read")))
	}
}

// start is the payload of the first frame; see PROTOCOL.md.
type start struct {
	Protocol int         `json:"protocol"`
	Entropy  string      `json:"entropy"`
	Work     string      `json:"work"`
	Input    string      `json:"input"`
	Files    []string    `json:"files"`
	Touch    bool        `json:"touch"`
	Limits   startLimits `json:"limits"`
}

type startLimits struct {
	Output         int64 `json:"output"`
	Outputs        int   `json:"outputs"`
	Artifact       int64 `json:"artifact"`
	Artifacts      int   `json:"artifacts"`
	ArtifactsTotal int64 `json:"artifactsTotal"`
	Memory         int64 `json:"memory"`
	Processes      int   `json:"processes"`
}

// hello is what the kernel says of itself, warm and ready.
type hello struct {
	Protocol int    `json:"protocol"`
	Python   string `json:"python"`
}

// Ready starts the session and waits for the kernel's word that it is. Errors
// are *execution.Error and Fatal.
func (c *Conn) Ready(ctx context.Context) error {
	return c.start(ctx, c.options.Files, c.options.Touch)
}

// Enter gives a session between two steps other files: one that was made ahead,
// or was resumed. Variables and random state stay. Errors are as Ready's.
func (c *Conn) Enter(ctx context.Context, files []string) error {
	return c.start(ctx, files, false)
}

func (c *Conn) start(ctx context.Context, files []string, touch bool) error {
	if err := c.begin(); err != nil {
		return err
	}
	defer c.end()
	entropy := make([]byte, 32)
	rand.Read(entropy) // never fails, says its documentation
	l := c.options.Limits
	payload, err := json.Marshal(start{
		Protocol: Protocol,
		Entropy:  hex.EncodeToString(entropy),
		Work:     c.options.WorkDir,
		Input:    c.options.InputDir,
		Files:    append([]string{}, files...),
		Touch:    touch,
		Limits: startLimits{
			Output: l.OutputBytes, Outputs: l.Outputs,
			Artifact: l.ArtifactBytes, Artifacts: l.Artifacts, ArtifactsTotal: l.ArtifactsBytes,
			Memory: l.MemoryBytes, Processes: l.Processes,
		},
	})
	if err != nil {
		return c.fail(unavailable("The Python session could not be described to its kernel.", err))
	}
	mark := newSentinel()
	if err := c.send(frame{frameStart, mark, payload}); err != nil {
		return err
	}
	for warmed := false; ; {
		select {
		case f, ok := <-c.frames:
			switch {
			case !ok:
				return c.fail(c.lost())
			case f.kind == frameWarm && !warmed && f.sentinel == sentinel{}:
				warmed = true // started with --warm and not restored from a checkpoint
			case f.kind == frameReady && f.sentinel == mark:
				if err := checkHello(f.payload); err != nil {
					return c.fail(broken(err))
				}
				return nil
			default:
				return c.fail(broken(fmt.Errorf("frame %q before the session was ready", byte(f.kind))))
			}
		case <-ctx.Done():
			return c.fail(unavailable("The Python session did not start in time.", ctx.Err()))
		case <-c.failed:
			return c.fail(nil)
		}
	}
}

// AwaitWarm reads what a kernel that was started with --warm sends once its
// libraries are warm, and nothing beyond it: the moment to checkpoint. It blocks
// until then; close r to end it sooner.
func AwaitWarm(r io.Reader) error {
	f, err := readFrame(r)
	if err != nil {
		return fmt.Errorf("wait for a warm kernel: %w", err)
	}
	if f.kind != frameWarm || f.sentinel != (sentinel{}) {
		return fmt.Errorf("wait for a warm kernel: %w: type %q", errFrame, byte(f.kind))
	}
	return checkHello(f.payload)
}

func checkHello(payload []byte) error {
	var h hello
	if err := strictJSON(payload, &h); err != nil {
		return err
	}
	if h.Protocol != Protocol {
		return fmt.Errorf("%w: the kernel speaks protocol %d, this host %d", errFrame, h.Protocol, Protocol)
	}
	return nil
}

// begin claims the session for one Ready or Run.
func (c *Conn) begin() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	switch {
	case c.failure != nil:
		return c.failure
	case c.running:
		return &execution.Error{
			Code:    execution.CodeUnavailable,
			Message: "This Python session is busy with another step; wait until it has ended.",
		}
	}
	c.running = true
	return nil
}

func (c *Conn) end() {
	c.mu.Lock()
	c.running = false
	c.mu.Unlock()
}

// Fail ends the session with err, which must be Fatal: a Run in flight and all
// later ones return it. For a provider that knows better than "it died", such
// as that it killed the process for its memory; call it before the kill. The
// first failure stays.
func (c *Conn) Fail(err *execution.Error) { c.fail(err) }

// fail records the first failure and returns it, whichever err it was.
func (c *Conn) fail(err *execution.Error) *execution.Error {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.failure == nil {
		c.failure = err
		close(c.failed)
	}
	return c.failure
}

// lost says why no more frames come; call it only after frames was closed.
func (c *Conn) lost() *execution.Error {
	if errors.Is(c.readErr, errFrame) {
		return broken(c.readErr)
	}
	return died(c.readErr)
}

// Close ends the connection and removes the artifacts. Closing twice is harmless.
func (c *Conn) Close() error {
	c.mu.Lock()
	closed := c.closed
	c.closed = true
	c.mu.Unlock()
	if closed {
		return nil
	}
	c.fail(unavailable("This Python session was closed.", nil))
	close(c.done)
	for _, end := range []any{c.in, c.out} {
		if closer, ok := end.(io.Closer); ok {
			_ = closer.Close() // a pipe that is broken already is as good as closed
		}
	}
	c.loops.Wait()
	return c.store.close()
}

func newSentinel() (s sentinel) {
	rand.Read(s[:])
	return s
}

// Run implements execution.Session.
func (c *Conn) Run(ctx context.Context, code string, host execution.Host) (execution.Result, error) {
	if err := c.begin(); err != nil {
		return execution.Result{}, err
	}
	defer c.end()
	if ctx.Err() != nil {
		return execution.Result{}, cancelled(ctx.Err())
	}
	if len(code) > maxCode || !utf8.ValidString(code) {
		return execution.Result{Failure: &execution.Failure{
			Name:    "ValueError",
			Message: fmt.Sprintf("the code is %d bytes long; it must be valid UTF-8 of %d bytes at most", len(code), maxCode),
		}}, nil
	}
	if err := c.store.clear(); err != nil {
		return execution.Result{}, c.fail(unavailable("The files of the last step could not be removed on the server.", err))
	}
	s := &step{conn: c, sentinel: newSentinel(), host: host}
	return s.run(ctx, code)
}
