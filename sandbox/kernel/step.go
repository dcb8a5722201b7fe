package kernel

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/mark-analyst/mark/internal/execution"
)

const (
	// maxFrames bounds the frames of one step. The kernel gathers output into
	// at most fifty small frames a second.
	maxFrames = 1 << 18

	// perOutput is the most bytes that one rich output takes on the wire.
	perOutput = 6 << 20
)

// step is one Run: it consumes the frames of one sentinel and believes none.
type step struct {
	conn     *Conn
	sentinel sentinel
	host     execution.Host
	calls    *calls

	frames    int
	bytes     int64 // payload, all frames
	gathered  gathered
	progress  progress
	printed   int64
	outputs   int
	artifacts int
	stored    int64 // bytes of artifacts
	names     map[string]bool
	open      *incoming
	left      leftOut
	facts     *execution.Facts
	ended     *done
}

// done is the payload of a step's last frame.
type done struct {
	Failure   *failure         `json:"failure"`
	Truncated bool             `json:"truncated"`
	LeftOut   []leftEntry      `json:"leftOut"`
	Stopped   string           `json:"stopped"`
	Usage     *execution.Usage `json:"usage"`
}

type failure struct {
	Name      string          `json:"name"`
	Message   string          `json:"message"`
	Traceback string          `json:"traceback"`
	Limit     execution.Limit `json:"limit"`
}

// Why a step was stopped, in a done frame.
const (
	stoppedNot       = ""
	stoppedInterrupt = "interrupt"
	stoppedOutput    = "output"
)

func (s *step) run(ctx context.Context, code string) (execution.Result, error) {
	began := time.Now()
	result := func() execution.Result {
		s.tellProgress()
		s.release()
		return execution.Result{
			Duration: time.Since(began), Truncated: len(s.left) > 0,
			Notices: s.left.notices(s.conn.options.Limits), Facts: s.facts,
		}
	}
	defer func() { s.open.abandon() }()
	s.calls = newCalls(ctx)
	defer s.calls.end()
	if err := s.conn.send(frame{frameExecute, s.sentinel, []byte(code)}); err != nil {
		return result(), err
	}
	limit := s.conn.options.Limits.StepTime
	timeUp := time.NewTimer(limit)
	defer timeUp.Stop()
	cpu := newMeter(s.conn.options.CPUTime, s.conn.options.Limits.CPUTime)
	defer cpu.end()
	var (
		stop   *execution.Error // why the step is being interrupted
		again  <-chan time.Time // when to interrupt once more
		over   <-chan time.Time // when to give up
		cancel = ctx.Done()
		spent  = cpu.exceeded()
		grace  = s.conn.options.Grace
	)
	interrupt := func(why *execution.Error) *execution.Error {
		if stop == nil {
			stop = why
			over = time.After(grace)
		}
		// Some code catches the first interrupt by accident ("except:" in a
		// loop), so it is repeated while there is grace.
		again = time.After(grace / 4)
		cancel = nil
		return s.conn.send(frame{kind: frameInterrupt, sentinel: s.sentinel})
	}
	for s.ended == nil {
		var err *execution.Error
		select {
		case f, ok := <-s.conn.frames:
			if !ok {
				err = s.conn.fail(s.conn.lost())
			} else if cause := s.accept(f); cause != nil {
				err = s.refuse(cause)
			}
		case a := <-s.calls.answered:
			err = s.answer(a)
		case <-s.gathered.due:
			s.release()
		case <-s.progress.due:
			s.tellProgress()
		case <-timeUp.C:
			err = interrupt(timedOut(limit))
		case <-spent:
			spent = nil
			err = interrupt(tooMuchCPU(s.conn.options.Limits.CPUTime))
		case <-cancel:
			err = interrupt(cancelled(ctx.Err()))
		case <-again:
			err = interrupt(stop)
		case <-over:
			err = s.conn.fail(beyondGrace(stop))
		case <-s.conn.failed:
			err = s.conn.fail(nil)
		}
		if err != nil {
			return result(), err
		}
	}
	r := result()
	r.Usage = s.ended.Usage
	if f := s.ended.Failure; f != nil {
		r.Failure = &execution.Failure{
			Name:      cleanLine(f.Name, 200),
			Message:   cleanText(f.Message, 8<<10),
			Traceback: cleanText(f.Traceback, 32<<10),
			Limit:     f.Limit,
		}
	}
	switch {
	case s.ended.Stopped == stoppedOutput && stop == nil:
		return r, tooMuchOutput()
	case stop != nil && (s.ended.Stopped != stoppedNot || stop.Code == execution.CodeCancelled):
		return r, stop
	case s.ended.Stopped == stoppedInterrupt:
		return r, s.refuse(fmt.Errorf("%w: an interrupt that nobody sent", errFrame))
	}
	return r, nil
}

// refuse ends the session over what a frame held.
func (s *step) refuse(cause error) *execution.Error {
	if !errors.Is(cause, errFrame) {
		return s.conn.fail(unavailable("A file that the code left behind could not be stored on the server.", cause))
	}
	return s.conn.fail(broken(cause))
}

// accept takes one frame. Errors that are not errFrame are the host's own.
func (s *step) accept(f frame) error {
	if f.sentinel != s.sentinel {
		return fmt.Errorf("%w: %q with another step's sentinel", errFrame, byte(f.kind))
	}
	l := s.conn.options.Limits
	s.frames++
	s.bytes += int64(len(f.payload))
	most := l.OutputBytes + int64(l.Outputs+1)*perOutput + l.ArtifactsBytes + 1<<20
	if s.frames > maxFrames || s.bytes > most {
		return fmt.Errorf("%w: %d frames, %d bytes in one step", errFrame, s.frames, s.bytes)
	}
	if s.frames == 1 && f.kind != frameFacts {
		return fmt.Errorf("%w: a step that begins with %q", errFrame, byte(f.kind))
	}
	switch f.kind {
	case frameFacts:
		return s.takeFacts(f.payload)
	case frameStdout:
		return s.chunk(execution.Stdout, f.payload)
	case frameStderr:
		return s.chunk(execution.Stderr, f.payload)
	case frameOutput:
		return s.output(f.payload)
	case frameArtifact:
		return s.beginArtifact(f.payload)
	case frameBytes:
		return s.artifactBytes(f.payload)
	case frameFileEnd:
		return s.endArtifact()
	case frameCall:
		return s.call(f.payload)
	case frameProgress:
		return s.progressed(f.payload)
	case frameDone:
		return s.finish(f.payload)
	}
	return fmt.Errorf("%w: %q in a step", errFrame, byte(f.kind))
}

func (s *step) output(payload []byte) error {
	out, err := decodeOutput(payload)
	if err != nil {
		return err
	}
	if s.outputs++; s.outputs > s.conn.options.Limits.Outputs {
		s.left.add(leftOutputs, "")
		return nil
	}
	s.emit(execution.Event{Output: out})
	return nil
}

func (s *step) finish(payload []byte) error {
	if s.open != nil {
		return fmt.Errorf("%w: the step ended within an artifact", errFrame)
	}
	var d done
	if err := strictJSON(payload, &d); err != nil {
		return err
	}
	if err := d.check(); err != nil {
		return err
	}
	for _, entry := range d.LeftOut {
		s.left.merge(entry)
	}
	if d.Truncated || d.Stopped == stoppedOutput {
		s.left.add(leftPrinted, "")
	}
	s.ended = &d
	return nil
}

// check refuses what the kernel would not say of a step.
func (d *done) check() error {
	switch d.Stopped {
	case stoppedNot, stoppedInterrupt, stoppedOutput:
	default:
		return fmt.Errorf("%w: stopped by %q", errFrame, d.Stopped)
	}
	if f := d.Failure; f != nil && f.Limit != execution.LimitNone && f.Limit.Code() == "" {
		return fmt.Errorf("%w: a failure over the limit %q", errFrame, f.Limit)
	}
	if err := checkUsage(d.Usage); err != nil {
		return err
	}
	return checkLeftOut(d.LeftOut)
}
