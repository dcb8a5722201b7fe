package agent

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"

	"github.com/mark-analyst/mark/ent/dataset"
	"github.com/mark-analyst/mark/internal/execution"
)

// dataFolder is where a session's files are.
const dataFolder = "/mnt/data/"

// python is the chat's session, while a run has it, and the files that it reads.
type python struct {
	execution.Session
	notice  string // what has to be told of its variables with the next step
	fresh   bool   // it began without variables
	release []func()
	onClose func(error)
	// remadeMs is how long programs took that were run again for it, and that no step
	// has counted.
	remadeMs int64
}

func (p *python) close() {
	if err := p.Close(); err != nil {
		p.onClose(err)
	}
	p.free()
}

// free gives back the files.
func (p *python) free() {
	for _, release := range p.release {
		release()
	}
	p.release = nil
}

// opening is a session that is being opened.
type opening struct {
	cancel  context.CancelFunc
	done    chan struct{} // closed when the rest is known
	session *python
	err     error
}

// expectPython begins to open the run's session where there is none: the model
// has begun to write a program, and a session takes a while to open.
func (k *work) expectPython(ctx context.Context) {
	if k.python != nil || k.opening != nil {
		return
	}
	ctx, cancel := context.WithCancel(ctx)
	o := &opening{cancel: cancel, done: make(chan struct{})}
	k.opening = o
	go func() {
		defer close(o.done)
		defer func() { // here a panic would end the process
			if p := recover(); p != nil {
				o.err = fmt.Errorf("open a Python session: panic: %v\n%s", p, debug.Stack())
			}
		}()
		o.session, o.err = k.openSession(ctx)
	}()
}

// session is the run's Python session, opened at the first step that needs it.
func (k *work) session(ctx context.Context) (*python, error) {
	if k.python != nil {
		return k.python, nil
	}
	k.expectPython(ctx)
	o := k.opening
	<-o.done // opening ends with ctx, too
	k.opened(o)
	if o.session != nil && o.session.fresh {
		k.loaded = false
	}
	return o.session, o.err
}

// opened takes up what was opened.
func (k *work) opened(o *opening) {
	o.cancel()
	k.opening, k.python = nil, o.session
}

// closePython closes the session, also one that is still being opened.
func (k *work) closePython() {
	if o := k.opening; o != nil {
		o.cancel()
		<-o.done
		k.opened(o)
	}
	if k.python != nil {
		k.usage.PythonMs += k.python.remadeMs // no program came to run in it
		k.python.close()
		k.python = nil
	}
}

// openSession opens a session with the files of the chat's datasets.
func (k *work) openSession(ctx context.Context) (*python, error) {
	p := &python{onClose: func(err error) {
		k.Logger.WarnContext(ctx, "closing a Python session failed", "run", k.row.ID, "error", err)
	}}
	spec := execution.Spec{Owner: k.row.OwnerID, Limits: k.Limits.Python}
	for _, d := range k.datasets {
		if d.State != dataset.StateReady || isTable(d) {
			continue
		}
		host, release, err := k.Blobs.Path(ctx, d.BlobKey)
		if err != nil {
			if there, errThere := k.Client.Dataset.Query().Where(dataset.ID(d.ID)).Exist(ctx); errThere == nil && !there {
				continue // deleted since the run began: Python will say that the file is not there
			}
			p.free()
			return nil, fmt.Errorf("fetch the file of %s: %w", d.ID, err)
		}
		p.release = append(p.release, release)
		spec.Files = append(spec.Files, execution.File{Name: k.fileName(d), Path: host})
	}
	rewinds := k.base != nil
	lost, programs, err := k.rewind(ctx)
	if err != nil {
		p.free()
		return nil, err
	}
	session, origin, err := k.Sandbox.Open(ctx, k.row.ChatID, spec)
	if err != nil {
		p.free()
		return nil, err
	}
	p.Session, p.notice = session, noticeOf(origin, k.ended || k.ran)
	p.fresh = origin.State == execution.OriginNew || origin.State == execution.OriginLost
	if origin.State == execution.OriginNew && !rewinds {
		copied, err := k.branched(ctx)
		if err != nil {
			p.close()
			return nil, err
		}
		if copied { // see Branch: they were not to be had
			p.notice = noticeOf(execution.Origin{State: execution.OriginLost, Reason: "They could not be copied with the chat."}, false)
		}
	}
	if !lost {
		return p, nil
	}
	err = p.remake(ctx, k, programs)
	var ended *execution.Error
	if errors.As(err, &ended) && ended.Fatal && ended.Code != execution.CodeUnavailable && ctx.Err() == nil {
		return k.withoutVariables(ctx, p, spec, ended)
	}
	if err != nil {
		p.close()
		return nil, err
	}
	p.fresh = len(programs) == 0
	return p, nil
}

// withoutVariables opens another session in place of one that ended while its
// variables were made again. It would end so each time: they are lost, which the
// model and the person are told.
func (k *work) withoutVariables(ctx context.Context, p *python, spec execution.Spec, ended *execution.Error) (*python, error) {
	if err := p.Close(); err != nil {
		p.onClose(err)
	}
	err := k.Sandbox.Rewind(ctx, k.row.ChatID, "") // some of the programs have left theirs
	if err == nil {
		p.Session, _, err = k.Sandbox.Open(ctx, k.row.ChatID, spec)
	}
	if err != nil {
		p.free()
		return nil, err
	}
	p.fresh = true
	p.notice = "The variables as they were before this program are not kept any more, and the programs before it could not be run again: " +
		ended.Message + " Python has started afresh: load the data again."
	return p, nil
}

// noticeOf is what the model and the person are told of a session's variables:
// nothing where they are as the last step left them.
func noticeOf(origin execution.Origin, ended bool) string {
	switch {
	case origin.State == execution.OriginLost:
		return "The variables of earlier programs in this chat are gone. " + origin.Reason + " Python has started afresh: load the data again."
	case origin.State == execution.OriginEarlier:
		return origin.Reason
	case origin.State == execution.OriginNew && ended:
		return "Python has started afresh; no variables are there: load the data again."
	}
	return ""
}

// loadHint says how to load the data, for a program that took it for loaded; ""
// where there is none. Of several datasets the model knows best which it meant.
func (k *work) loadHint() string {
	var codes []string
	for _, d := range k.datasets {
		if code := k.loadCode(d); d.State == dataset.StateReady && code != "" {
			codes = append(codes, code)
		}
	}
	switch {
	case len(codes) == 0:
		return ""
	case len(codes) == 1 && len(codes[0]) <= maxLoadCode && isPlain(codes[0]):
		return k.prompts.unloaded("df = " + codes[0])
	}
	return k.prompts.unloaded("")
}
