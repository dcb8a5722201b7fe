package llm

import (
	"context"
	"errors"
	"fmt"
	"io"

	openai "github.com/sashabaranov/go-openai"

	"github.com/mark-analyst/mark/internal/clock"
	"github.com/mark-analyst/mark/internal/dialogue"
)

// ask sends the request once, or once more for each thing that the server
// teaches about itself. That ends: each lesson leaves out or replaces a part of
// the request, which it cannot teach about again.
func (c *Endpoint) ask(ctx context.Context, req dialogue.Request, emit func(dialogue.Delta) error) (dialogue.Reply, *failure) {
	for {
		known := c.quirks.get(req.Model)
		req := req
		req.MaxTokens = known.limit(req.MaxTokens)
		sent := c.format.request(req, known, c)
		reply, failed := c.attempt(ctx, req, sent, emit)
		if failed == nil || failed.visible {
			return reply, failed
		}
		if !failed.rejected.rejectsRequest() {
			return reply, failed
		}
		learnt := sent.learn(known, failed.rejected)
		if learnt == known {
			return reply, failed
		}
		c.cfg.Log.InfoContext(ctx, "the model's endpoint does not take a part of the request, leaving it out",
			"host", c.Name(), "model", req.Model, "detail", scrub(failed.detail, c.secrets()))
		c.quirks.put(req.Model, learnt)
	}
}

// attempt sends one request and reads its reply.
func (c *Endpoint) attempt(
	ctx context.Context, req dialogue.Request, sent request, emit func(dialogue.Delta) error,
) (dialogue.Reply, *failure) {
	asm := newAssembler(req, c.cfg.NewCallID, c.cfg.MaxReplyBytes, emit)
	if err := ctx.Err(); err != nil {
		return asm.partial(), stopped(context.Cause(ctx))
	}
	limited, cancel := context.WithCancelCause(ctx)
	defer cancel(nil)
	w := &watch{cancel: cancel, idle: c.cfg.IdleTimeout}
	defer w.waiting(c.cfg.AttemptTimeout, errAttempt)()

	reply, err := c.read(limited, w, asm, c.format.reader(asm, req, c), sent)
	if err == nil {
		return reply, nil
	}
	failed := c.explain(ctx, context.Cause(limited), err, req)
	failed.visible = asm.emitted
	return reply, failed
}

// read sends the request through go-openai and feeds its frames to rd, which
// fills asm.
func (c *Endpoint) read(ctx context.Context, w *watch, asm *assembler, rd reader, sent request) (dialogue.Reply, error) {
	cfg := openai.DefaultConfig(c.cfg.APIKey)
	cfg.BaseURL = c.base.String()
	cfg.HTTPClient = &exchange{endpoint: c, watch: w, asm: asm}
	stream, err := sent.open(ctx, openai.NewClientWithConfig(cfg))
	if err != nil {
		return asm.partial(), err
	}
	defer stream.Close() // nothing was written

	twins := doubled{ends: c.format.ends}
	for {
		raw, err := stream.RecvRaw()
		var frames [][]byte
		if err == nil {
			frames = twins.next(raw)
		} else {
			frames = twins.end()
		}
		for _, frame := range frames {
			if err := rd.frame(frame); err != nil {
				return asm.partial(), err
			}
		}
		if asm.over {
			return rd.end()
		}
		if asm.finish != "" {
			w.idle = min(w.idle, afterFinish) // only the usage can follow
		}
		switch {
		case err == nil:
			continue
		case errors.Is(err, io.EOF), asm.finish != "" && !endedByCaller(ctx):
			return rd.end()
		}
		return asm.partial(), err
	}
}

// explain turns the error of an attempt into a failure. caused is why the
// attempt's own context ended, where it did.
func (c *Endpoint) explain(ctx context.Context, caused, err error, req dialogue.Request) *failure {
	var (
		told  *serverError
		mine  emitError
		large errTooLarge
	)
	host := c.base.Host
	switch {
	case errors.As(err, &mine):
		f := stopped(mine.error)
		f.message = "The model's reply could not be passed on."
		return f
	case ctx.Err() != nil:
		return stopped(context.Cause(ctx))
	case errors.Is(caused, errFirstByte):
		return c.unavailable(retryOnce, caused, "The model's endpoint at %s did not answer within %s. It may be busy or loading the model: try again.", host, clock.Words(c.cfg.FirstByteTimeout))
	case errors.Is(caused, errIdle):
		return c.unavailable(retryOnce, caused, "The model's endpoint at %s fell silent for %s in the middle of its reply. Try again.", host, clock.Words(c.cfg.IdleTimeout))
	case errors.Is(caused, errAttempt):
		return c.unavailable(retryNever, caused, "The model's reply took longer than %s. Ask for less at a time.", clock.Words(c.cfg.AttemptTimeout))
	case errors.As(err, &told) && len(req.Tools) > 0 && told.refusesTools():
		return &failure{
			code: dialogue.CodeBadRequest, rejected: told, detail: told.Error(), own: errNoTools,
			message: fmt.Sprintf("The model %s does not take tools (%d).", req.Model, told.status),
		}
	case errors.As(err, &told):
		return c.classify(told, req.Model)
	case errors.As(err, &large):
		return badReply(retryNever, err, "The model's reply is too large. Ask for less at a time.")
	case errors.Is(err, errRefused):
		return &failure{code: dialogue.CodeRefused, message: "The model declined to answer this. Ask in another way.", detail: err.Error()}
	case errors.Is(err, errFilter):
		return &failure{code: dialogue.CodeRefused, message: "The provider's content filter stopped the model's reply. Ask in another way.", detail: err.Error()}
	case errors.Is(err, errEmpty):
		return badReply(retryMore, err, "The model gave an empty reply. Try again, or ask in other words.")
	case errors.Is(err, errNotJSON):
		return badReply(retryMore, err, "The model's endpoint at %s sent something that is not JSON. Check that %s is an OpenAI-compatible endpoint.", host, c.cfg.setting(settingBaseURL))
	case errors.Is(err, errNoEnd), errors.Is(err, io.ErrUnexpectedEOF):
		return badReply(retryMore, err, "The connection to the model's endpoint at %s ended in the middle of its reply. Try again.", host)
	case errors.Is(err, errGaveUp):
		return badReply(retryMore, err, "The model's endpoint at %s gave up in the middle of its reply. Try again.", host)
	case errors.Is(err, openai.ErrReasoningToolsRequireResponses), errors.Is(err, openai.ErrReasoningEffortUnsupported):
		return &failure{
			code:    dialogue.CodeBadRequest,
			message: fmt.Sprintf("The model %s does not take tools over Chat Completions. Set %s to responses, or choose another model.", req.Model, c.cfg.setting(settingFormat)),
			detail:  err.Error(),
		}
	}
	return c.connection(err)
}

func (c *Endpoint) unavailable(retry retryClass, err error, format string, args ...any) *failure {
	return &failure{code: dialogue.CodeUnavailable, retry: retry, message: fmt.Sprintf(format, args...), detail: plainError(err).Error()}
}

func badReply(retry retryClass, err error, format string, args ...any) *failure {
	return &failure{code: dialogue.CodeBadReply, retry: retry, message: fmt.Sprintf(format, args...), detail: err.Error()}
}
