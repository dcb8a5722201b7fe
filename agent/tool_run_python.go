package agent

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"github.com/mark-analyst/mark/internal/cut"
	"github.com/mark-analyst/mark/internal/storable"
	"strings"
	"time"

	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/step"
	"github.com/mark-analyst/mark/eventlog"
	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/internal/figure"
	"github.com/mark-analyst/mark/internal/ids"
	"github.com/mark-analyst/mark/internal/untrusted"
)

// maxStream is how much of a printed stream is stored with its step,
// characters. The events hold all of it, up to the sandbox's own limit.
const maxStream = 64 << 10

// maxName is how long the name and the type of an artifact can be, bytes.
const maxName = 255

// runPython runs the code in the chat's session.
func runPython(ctx context.Context, k *work, s *ent.Step, args map[string]any) (callEnd, error) {
	k.doing = Stopped{What: DoingPython, StepID: s.ID}
	code := text(args, "code")
	session, err := k.session(ctx)
	if err != nil {
		return callEnd{}, err
	}
	out := &stepOutput{k: k, ctx: ctx, step: s, printed: map[execution.Stream]*strings.Builder{}}
	if session.notice != "" {
		out.take(execution.Event{Chunk: &execution.Chunk{Stream: execution.Stderr, Text: "[mark] " + session.notice + "\n"}})
		session.notice = ""
	}
	asked := &hostQuery{k: k, step: s}
	result, err := session.Run(ctx, code, execution.Host{Emit: out.take, Call: asked.answer, Point: s.ID})
	asked.close()
	end := callEnd{state: step.StateSucceeded, audit: newAudit(code, result, err)}
	end.audit.RemadeMs, session.remadeMs = session.remadeMs, 0
	k.usage.PythonMs += end.audit.pythonMs()
	out.flushProgress()
	out.notices(result.Notices)
	if out.err != nil {
		return end, out.err
	}
	end.outputs = out.all()
	k.usage.OutputBytes += outputBytes(end.outputs)
	problem := ""
	var broken *execution.Error
	if err != nil && ctx.Err() != nil {
		return end, context.Cause(ctx)
	}
	k.doing = Stopped{What: DoingNothing}
	switch {
	case errors.As(err, &broken):
		if broken.Code == execution.CodeUnavailable {
			return end, broken
		}
		problem = broken.Message
		if broken.Fatal {
			k.closePython()
			k.loaded, k.ended = false, true
			problem += " The next program runs in a new session."
		}
		end.state, end.code, end.message = step.StateFailed, string(broken.Code), broken.Message
	case err != nil:
		return end, fmt.Errorf("run Python: %w", err)
	case result.Failure != nil:
		f := result.Failure
		said := strings.TrimSuffix(untrusted.Clean(f.Name+": "+f.Message), ": ")
		problem = strings.TrimRight(untrusted.Clean(f.Traceback), "\n")
		if problem == "" { // exit() leaves none
			problem = said
		}
		if f.Name == "NameError" && !k.loaded {
			problem = strings.TrimSpace(problem + "\n" + k.loadHint())
		}
		person, hint := limitMet(f.Limit)
		if hint != "" { // first: the end of a long traceback is cut
			problem = hint + "\n" + problem
		}
		end.state, end.code = step.StateFailed, failureCode(f)
		end.message = clip(strings.TrimSpace(person+" "+said), 2_000)
	default:
		k.loaded = true
	}
	k.evidence.add(s, end.outputs)
	end.result = k.tell(end.outputs, result.Truncated && len(result.Notices) == 0, problem)
	return end, nil
}

// stepOutput gathers what comes out of a step and passes it on as events.
type stepOutput struct {
	k       *work
	ctx     context.Context //nolint:containedctx // of one call
	step    *ent.Step
	printed map[execution.Stream]*strings.Builder
	rich    []Output
	told    time.Time // when progress was stored last
	waits   *execution.Progress
	err     error // the first failure to store; the rest is dropped
}

// progressEvery bounds the events of a step that tells its progress often.
const progressEvery = time.Second

// progress stores how far the code says that it is: once a second, and the last
// word when the step ends.
func (o *stepOutput) progress(p execution.Progress) {
	now := o.k.Clock.Now()
	if now.Sub(o.told) < progressEvery {
		o.waits = &p
		return
	}
	o.told, o.waits = now, nil
	o.err = o.k.rec.event(KindStepProgress, EventBody{StepID: o.step.ID, Progress: &p})
}

// flushProgress stores the last word, where it is not stored yet.
func (o *stepOutput) flushProgress() {
	if o.err == nil && o.waits != nil {
		o.err = o.k.rec.event(KindStepProgress, EventBody{StepID: o.step.ID, Progress: o.waits})
		o.waits = nil
	}
}

// notices shows what the step made and could not keep, as a text among its
// outputs: the person sees it where the file would be, and the model reads it.
func (o *stepOutput) notices(notices []execution.Notice) {
	for _, n := range notices {
		text := "(" + untrusted.Line(n.Message) + ")"
		o.take(execution.Event{Output: &execution.Output{MIME: execution.MIMEText, Text: text}})
	}
}

func (o *stepOutput) take(e execution.Event) {
	switch {
	case o.err != nil:
	case e.Chunk != nil:
		b := o.printed[e.Chunk.Stream]
		if b == nil {
			b = &strings.Builder{}
			o.printed[e.Chunk.Stream] = b
		}
		b.WriteString(e.Chunk.Text)
		o.err = o.k.rec.chunk(o.step.ID, *e.Chunk)
	case e.Progress != nil:
		o.progress(*e.Progress)
	case e.Output != nil:
		out, err := o.keep(*e.Output)
		if err != nil {
			o.err = fmt.Errorf("keep an output: %w", err)
			return
		}
		o.rich = append(o.rich, out)
		o.err = o.k.rec.event(KindOutputAdded, EventBody{StepID: o.step.ID, Output: &out})
	}
}

// keep stores a rich output's file, where it has one, and cleans the rest.
func (o *stepOutput) keep(in execution.Output) (Output, error) {
	out := Output{
		Name:  outputName(o.step.Index, len(o.rich)+1),
		Title: clip(untrusted.Line(in.Title), 200),
		MIME:  in.MIME,
		Text:  untrusted.Clean(in.Text),
		Table: cleanTable(in.Table),
	}
	switch {
	case in.MIME == execution.MIMEPlotly:
		clean, err := figure.Clean(in.JSON)
		if err != nil {
			return Output{Name: out.Name, MIME: execution.MIMEText, Text: "(A chart that is no Plotly figure was left out.)"}, nil //nolint:nilerr // the text says it
		}
		out.JSON = clean
		if out.Title == "" {
			out.Title = clip(untrusted.Line(figure.Title(clean)), 200)
		}
	case json.Valid(in.JSON):
		out.JSON = in.JSON
	}
	if why := o.k.unfit(out); why != "" {
		return Output{Name: out.Name, Title: out.Title, MIME: execution.MIMEText, Text: why}, nil
	}
	if in.Artifact != nil {
		kept, err := o.file(*in.Artifact)
		if err != nil {
			return out, err
		}
		out.Artifact = kept
	}
	return out, nil
}

// file stores what a step left behind.
func (o *stepOutput) file(in execution.Artifact) (*Artifact, error) {
	r, err := in.Open()
	if err != nil {
		return nil, fmt.Errorf("open artifact: %w", err)
	}
	defer r.Close()
	key, size, err := o.k.Blobs.Save(o.ctx, r, o.k.Limits.ArtifactBytes)
	if err != nil {
		return nil, err
	}
	kept := &Artifact{ID: ids.New(ids.Artifact), Name: cut.ToBytes(storable.Text(untrusted.Line(in.Name)), maxName), MIME: cut.ToBytes(storable.Text(in.MIMEType), maxName), SizeBytes: size, CreatedAt: o.k.Clock.Now()}
	err = o.k.rec.store(func(ctx context.Context, tx *ent.Tx) error {
		return tx.Artifact.Create().SetID(kept.ID).SetRunID(o.k.row.ID).SetStepID(o.step.ID).
			SetName(kept.Name).SetMimeType(kept.MIME).SetSizeBytes(size).SetBlobKey(key).
			SetCreatedAt(kept.CreatedAt).Exec(ctx)
	})
	if errors.Is(err, eventlog.ErrUncertain) { // the row may be there
		return nil, fmt.Errorf("store artifact: %w", err)
	}
	if err != nil {
		// Nothing points at the file: it must not stay.
		if dropped := o.k.Blobs.Delete(context.WithoutCancel(o.ctx), key); dropped != nil {
			o.k.Logger.WarnContext(o.ctx, "a file that nothing points at stays", "key", key, "error", dropped)
		}
		return nil, fmt.Errorf("store artifact: %w", err)
	}
	return kept, nil
}

// all is everything that came out: rich outputs and then the printed streams.
func (o *stepOutput) all() []Output {
	out := append([]Output{}, o.rich...)
	for _, s := range []execution.Stream{execution.Stdout, execution.Stderr} {
		if b := o.printed[s]; b != nil && b.Len() > 0 {
			out = append(out, Output{Name: streamName(o.step.Index, s), MIME: execution.MIMEText, Text: clip(untrusted.Clean(b.String()), maxStream)})
		}
	}
	return out
}
