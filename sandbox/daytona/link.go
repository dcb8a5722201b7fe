package daytona

import (
	"context"
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"path"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/mark-analyst/mark/internal/execution"
)

// Frames of the kernel's protocol that begin something which ends by itself, and
// where a frame says what it is; sandbox/kernel/PROTOCOL.md.
const (
	frameStart   = 'S'
	frameExecute = 'X'
	frameKindAt  = 4
)

// The words by which the relay ends a run.
const (
	verbEnd  = "end"  // what was begun has ended
	verbMore = "more" // there is more, in another run
	verbGone = "gone" // the kernel's process has ended
)

// resumes is how often in a row a connection may break without a line having come.
const resumes = 6

// ackEvery is how many lines are used before the relay is told.
const ackEvery = windowLines / 4

// link is a kernel's standard output and input, as a Conn wants them. doc.go says
// how it works.
type link struct {
	box    *box
	limits map[byte]time.Duration // of a run, by the frame that begins it
	failed func(*execution.Error)
	ctx    context.Context //nolint:containedctx // of the two loops, which Close ends
	cancel context.CancelFunc
	loops  sync.WaitGroup
	wake   chan struct{} // something is to be uploaded
	steps  chan begun    // what is to be carried

	mu       sync.Mutex
	arrived  *sync.Cond // of mu: lines, or the end
	unread   [][]byte   // guarded by mu; one line's bytes each
	have     int        // guarded by mu; the newest line
	seen     int        // guarded by mu; lines that were read whole
	told     int        // guarded by mu; lines that the relay knows were read
	over     bool       // guarded by mu; no more comes
	cause    error      // guarded by mu; why, for the log
	queue    []byte     // guarded by mu; frames to upload
	begins   byte       // guarded by mu; the kind of the one that begins something, else 0
	detach   bool       // guarded by mu; the run that is going on is to end
	files    int        // guarded by mu; the newest input file
	verb     string     // guarded by mu; how the relay says that a run ended
	detail   string     // guarded by mu; what it says of the kernel's end
	violated bool       // guarded by mu; a line came that the relay would not send
}

// begun is what runs until it ends by itself: the kernel's start, or a step.
type begun struct {
	file  int           // number of the input file that begins it
	limit time.Duration // of one run
}

// newLink returns a link that works until Close. start and step are how long Daytona
// lets the kernel's start and a step run. It calls failed, before its reader learns
// of the end, where the end is not the kernel's own.
func newLink(b *box, start, step time.Duration, failed func(*execution.Error)) *link {
	l := &link{
		box: b, limits: map[byte]time.Duration{frameStart: start, frameExecute: step},
		failed: failed, wake: make(chan struct{}, 1), steps: make(chan begun, 8),
	}
	l.arrived = sync.NewCond(&l.mu)
	l.ctx, l.cancel = context.WithCancel(context.Background())
	l.loops.Go(l.deliver)
	l.loops.Go(l.carry)
	return l
}

// Read implements io.Reader: what the kernel wrote.
func (l *link) Read(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	for len(l.unread) == 0 && !l.over {
		l.arrived.Wait()
	}
	if len(l.unread) == 0 {
		return 0, errors.Join(io.EOF, l.cause)
	}
	n := copy(p, l.unread[0])
	if l.unread[0] = l.unread[0][n:]; len(l.unread[0]) == 0 {
		l.unread = l.unread[1:]
		if l.seen++; l.seen-l.told >= ackEvery {
			l.knock()
		}
	}
	return n, nil
}

// Write implements io.Writer: whole frames for the kernel. It does not wait for
// them to arrive; where they cannot, the session fails.
func (l *link) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if l.over {
		return 0, io.ErrClosedPipe
	}
	l.queue = append(l.queue, p...)
	if kind := p[frameKindAt]; kind == frameStart || kind == frameExecute {
		l.begins = kind
	}
	l.knock()
	return len(p), nil
}

// Close implements io.Closer. It returns at once; wait waits.
func (l *link) Close() error {
	l.cancel()
	l.finish(nil)
	return nil
}

func (l *link) wait() { l.loops.Wait() }

// finish lets the reader read what has come, and then the end.
func (l *link) finish(cause error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if !l.over {
		l.over, l.cause = true, cause
	}
	l.arrived.Broadcast()
}

// fail ends the session with why.
func (l *link) fail(why *execution.Error) {
	if l.ctx.Err() == nil {
		l.failed(why)
	}
	l.finish(why)
}

// knock wakes deliver.
func (l *link) knock() {
	select {
	case l.wake <- struct{}{}:
	default:
	}
}

// deliver uploads what is to reach the relay: frames, and what was read so far.
func (l *link) deliver() {
	defer close(l.steps)
	for {
		select {
		case <-l.wake:
		case <-l.ctx.Done():
			return
		}
		for {
			data, number, begins := l.next()
			if data == nil {
				break
			}
			if begins != 0 {
				select {
				case l.steps <- begun{number, l.limits[begins]}:
				case <-l.ctx.Done():
					return
				}
			}
			if err := l.box.upload(l.ctx, data, path.Join(l.box.folders.life, "in", fmt.Sprintf("%08d", number))); err != nil {
				l.fail(l.unreachable(err))
				return
			}
		}
	}
}

// next returns the next input file, or nil while there is nothing to say.
func (l *link) next() (data []byte, number int, begins byte) {
	l.mu.Lock()
	defer l.mu.Unlock()
	if len(l.queue) == 0 && !l.detach && l.seen-l.told < ackEvery {
		return nil, 0, 0
	}
	head, err := json.Marshal(map[string]any{"hash": hashOf(l.queue), "seen": l.seen, "detach": l.detach, "begins": l.begins != 0})
	if err != nil {
		panic(err) // strings, numbers and booleans
	}
	data = append(append(head, '\n'), l.queue...)
	begins = l.begins
	l.files++
	l.told, l.queue, l.begins, l.detach = l.seen, nil, 0, false
	return data, l.files, begins
}

// carry has the relay run whenever something was begun, until that has ended.
func (l *link) carry() {
	for b := range l.steps {
		if !l.carryOne(b) {
			return
		}
	}
}

// carryOne has the relay run, as often as it takes, until what b is has ended. It
// returns false when the link is over.
func (l *link) carryOne(b begun) bool {
	for broken := 0; broken < resumes; {
		l.mu.Lock()
		have, seen := l.have, l.seen
		l.told = max(l.told, seen)
		l.verb = ""
		l.mu.Unlock()
		began := time.Now()
		ended := l.box.run(l.ctx, fmt.Sprintf("_mark.run(%d, %d, %d)", b.file, have, seen), b.limit, l.line)
		l.mu.Lock()
		verb, detail, more, violated := l.verb, l.detail, l.have > have, l.violated
		l.mu.Unlock()
		if more || verb != "" {
			broken = 0
			l.box.contact.Store(time.Now().UnixNano())
		}
		switch {
		case l.ctx.Err() != nil:
			return false
		case violated || errors.Is(ended.err, errLine):
			l.fail(brokenChannel(ended.err))
			return false
		case verb == verbEnd:
			return true
		case verb == verbMore:
			continue
		case verb == verbGone:
			l.finish(errors.New("the kernel's process ended: " + detail))
			return false
		case ended.timeout && time.Since(began) >= b.limit:
			l.fail(timedOut(ended.err))
			return false
		case ended.raised != "" || ended.unknown:
			// The interpreter under the relay was replaced by a fresh one.
			l.finish(fmt.Errorf("the relay is gone: %s %w", ended.raised, errors.Join(ended.err)))
			return false
		}
		// The connection broke, or lines were lost; or the interpreter was ended,
		// which looks the same, or like a timeout before its time. The next run
		// shows which: then there is no relay.
		broken++
		if !l.again(broken) {
			return false
		}
	}
	l.fail(l.unreachable(errors.New("the connection broke again and again")))
	return false
}

// again prepares another run after a connection that broke: the run that may still
// be going on, unheard, is to end.
func (l *link) again(broken int) bool {
	if !l.box.runs(l.ctx) && l.ctx.Err() == nil {
		l.fail(l.unreachable(errStopped))
		return false
	}
	l.mu.Lock()
	l.detach = true
	l.mu.Unlock()
	l.knock()
	select {
	case <-time.After(time.Duration(broken*broken) * 100 * time.Millisecond):
		return true
	case <-l.ctx.Done():
		return false
	}
}

// unreachable words the end of a session that cannot be reached any more.
func (l *link) unreachable(err error) *execution.Error {
	if errors.Is(err, errStopped) {
		return lost(err)
	}
	return &execution.Error{
		Code:    execution.CodeUnavailable,
		Message: "The Daytona sandbox could not be reached any more in the middle of its work, so the session was ended. The variables are lost; run the earlier steps again.",
		Fatal:   true,
		Err:     err,
	}
}

func brokenChannel(err error) *execution.Error {
	if err == nil {
		err = errors.New("a line that the relay would not send")
	}
	return broken(err)
}

// line takes a line of a run.
func (l *link) line(text string) verdict {
	l.mu.Lock()
	defer l.mu.Unlock()
	first, rest, ok := strings.Cut(text, " ")
	if first == "=" {
		return l.control(rest)
	}
	n, err := strconv.Atoi(first)
	if err != nil || !ok || n <= l.have || len(text) > maxLine {
		l.violated = true
		return abandon
	}
	if n > l.have+1 {
		return abandon // one was lost on the way: it comes again in another run
	}
	data, err := base64.StdEncoding.DecodeString(rest)
	if err != nil || len(data) == 0 || len(data) > pieceBytes || len(l.unread) > 2*windowLines {
		l.violated = true
		return abandon
	}
	l.have = n
	l.unread = append(l.unread, data)
	l.arrived.Broadcast()
	return goOn
}

// control takes a line by which the relay says that its run ends. The caller holds
// mu.
func (l *link) control(text string) verdict {
	verb, rest, _ := strings.Cut(text, " ")
	count, detail, _ := strings.Cut(rest, " ")
	n, err := strconv.Atoi(count)
	if err != nil || verb != verbEnd && verb != verbMore && verb != verbGone {
		l.violated = true
		return abandon
	}
	if n > l.have {
		return last // lines were lost on the way: they come again in another run
	}
	l.verb = verb
	if info, err := base64.StdEncoding.DecodeString(detail); err == nil {
		l.detail = string(info)
	}
	return last
}
