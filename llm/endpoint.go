// Package llm puts a language model's HTTP endpoint behind the vocabulary of
// package dialogue. Chat speaks the streamed Chat Completions protocol to any
// server that offers it: OpenAI, Azure, OpenRouter, Gemini's and Anthropic's
// compatible endpoints, vLLM, Ollama, llama.cpp, and the built-in offline
// analyst. The protocol is spoken differently by each of them; what is known of
// their differences is evened out here, so that the agent sees one behaviour:
// a reply that is whole, or a *dialogue.Error that says what to do.
package llm

import (
	"context"
	"net/url"

	"github.com/mark-analyst/mark/internal/dialogue"
)

// Chat asks one endpoint for replies over Chat Completions. It is safe for use
// by several goroutines at once.
type Chat struct {
	cfg    Config
	base   *url.URL // without credentials and query
	query  url.Values
	user   *url.Userinfo
	quirks quirkBook
}

// New returns an adapter for the endpoint that cfg names. It makes no request;
// its error says which setting is wrong.
func New(cfg Config) (*Chat, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	base, err := parseBaseURL(cfg.BaseURL)
	if err != nil {
		return nil, err
	}
	c := &Chat{cfg: cfg, query: base.Query(), user: base.User}
	base.RawQuery, base.User = "", nil
	c.base = base
	return c, nil
}

// Name says which endpoint this is, for people and logs: its host.
func (c *Chat) Name() string { return c.base.Host }

// Model is the model that is asked when a request names none.
func (c *Chat) Model() string { return c.cfg.Model }

// Close gives up the idle connections. A Chat stays usable after it.
func (c *Chat) Close() {
	if client, ok := c.cfg.HTTPClient.(interface{ CloseIdleConnections() }); ok {
		client.CloseIdleConnections()
	}
}

// Stream asks for the next message of req and calls emit, from this goroutine,
// with each piece as it arrives. An error of emit ends the call.
//
// The reply is the authority on what the model said: tool calls cut short by
// the token limit are left out of it (Finish is then FinishLength), two calls
// glued into one are two there, although the deltas showed them otherwise.
//
// The error is nil or a *dialogue.Error, which wraps ctx's cause when ctx ended
// the call and emit's error when that did. The reply that comes with an error
// holds what had arrived, the usage included. Failures that may pass (429, 5xx,
// unreachable, half a stream) are retried as Config says while nothing has been
// emitted; afterwards the error's Visible is set and the caller decides.
func (c *Chat) Stream(ctx context.Context, req dialogue.Request, emit func(dialogue.Delta) error) (dialogue.Reply, error) {
	if req.Model == "" {
		req.Model = c.cfg.Model
	}
	reply, failure := c.retry(ctx, func() (dialogue.Reply, *failure) {
		return c.ask(ctx, req, emit)
	})
	if failure != nil {
		return reply, failure.public(c.secrets())
	}
	return reply, nil
}
