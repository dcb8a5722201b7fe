// Package llm puts a language model's HTTP endpoint behind the vocabulary of
// package dialogue. Endpoint speaks the streamed Chat Completions or Responses
// protocol to any server that offers one of them: OpenAI, Azure, OpenRouter,
// Gemini's and Anthropic's compatible endpoints, vLLM, Ollama, llama.cpp, and
// the built-in offline analyst. The protocols are spoken differently by each of
// them; what is known of their differences is evened out here, so that the agent
// sees one behaviour: a reply that is whole, or a *dialogue.Error that says what
// to do.
package llm

import (
	"context"
	"net/url"
	"time"

	"github.com/mark-analyst/mark/internal/dialogue"
)

// Endpoint asks one endpoint for replies. It is safe for use by several
// goroutines at once.
type Endpoint struct {
	cfg    Config
	format format
	base   *url.URL // without credentials and query
	query  url.Values
	user   *url.Userinfo
	quirks quirkBook
	drain  time.Duration // how long the end of a body is waited for
}

// New returns an adapter for the endpoint that cfg names. It makes no request;
// its error says which setting is wrong.
func New(cfg Config) (*Endpoint, error) {
	cfg, err := cfg.withDefaults()
	if err != nil {
		return nil, err
	}
	base, err := parseBaseURL(cfg.BaseURL, cfg.setting(settingBaseURL))
	if err != nil {
		return nil, err
	}
	c := &Endpoint{cfg: cfg, format: formatOf(cfg.Format), query: base.Query(), user: base.User, drain: drainTime}
	base.RawQuery, base.User = "", nil
	c.base = base
	return c, nil
}

// Name says which endpoint this is, for people and logs: its host.
func (c *Endpoint) Name() string { return c.base.Host }

// Model is the model that is asked when a request names none.
func (c *Endpoint) Model() string { return c.cfg.Model }

// Close gives up the idle connections. An Endpoint stays usable after it.
func (c *Endpoint) Close() {
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
func (c *Endpoint) Stream(ctx context.Context, req dialogue.Request, emit func(dialogue.Delta) error) (dialogue.Reply, error) {
	if req.Model == "" {
		req.Model = c.cfg.Model
	}
	if most := c.cfg.ReplyTokens; most > 0 && (req.MaxTokens == 0 || req.MaxTokens > most) {
		req.MaxTokens = most
	}
	reply, failure := c.retry(ctx, func() (dialogue.Reply, *failure) {
		return c.ask(ctx, req, emit)
	})
	if failure != nil {
		return reply, failure.public(c.secrets())
	}
	return reply, nil
}
