package llm

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/mark-analyst/mark/internal/clock"
	"github.com/mark-analyst/mark/internal/ids"
)

// Doer carries out HTTP requests; *http.Client is one. A Doer may answer
// in-process.
type Doer interface {
	Do(*http.Request) (*http.Response, error)
}

// Config says which endpoint to ask and within which limits. A zero limit
// means its default.
type Config struct {
	// Entry is the model's name in the list of models; empty for the one of the
	// MARK_LLM_ settings. It is for messages that say which setting is wrong.
	Entry string
	// Format is how the endpoint is spoken to; empty means Chat.
	Format Format
	// ContextTokens is how many tokens the model takes; 0: not known. It tells a
	// reply that was cut from one that ended, where the server does not.
	ContextTokens int
	// ReplyTokens is the most that a reply may have, whatever a request asks for;
	// 0: as it asks.
	ReplyTokens int
	// BaseURL is the address up to and without /chat/completions, for example
	// https://api.openai.com/v1. Credentials in it become basic
	// authentication; its query is sent with each request (Azure's
	// api-version).
	BaseURL string
	// APIKey is sent as a bearer token, to *.azure.com as api-key too. Empty
	// where the server wants none.
	APIKey string
	// Model is asked when a request names no model.
	Model string
	// HTTPClient carries the requests; nil makes a client that does not
	// follow redirects and honours HTTPS_PROXY. It needs no time limit of its
	// own.
	HTTPClient Doer

	// FirstByteTimeout bounds the wait for response headers (default 3 min: a
	// local server with one slot sends nothing while it serves others).
	FirstByteTimeout time.Duration
	// IdleTimeout bounds the wait between two pieces of a response, keep-alives
	// counting as pieces (default 2 min: some servers are silent while a model
	// thinks).
	IdleTimeout time.Duration
	// AttemptTimeout bounds one request from start to end (default 15 min).
	AttemptTimeout time.Duration

	// MaxRetries is how often a failed request is sent again (default 3;
	// negative: never).
	MaxRetries int
	// RetryBase is the first wait before a retry; each further one doubles, up
	// to 20 s, with a jitter of half (default 500 ms).
	RetryBase time.Duration
	// MaxRetryAfter is the longest wait that a server's Retry-After is granted
	// (default 60 s); one that asks for more ends the call.
	MaxRetryAfter time.Duration

	// MaxReplyBytes bounds the text, reasoning and arguments of a reply taken
	// together (default 10 MB); the raw stream may be 16 times as long.
	MaxReplyBytes int
	// MaxLineBytes bounds one event of the stream (default 4 MB).
	MaxLineBytes int

	// Sleep waits for d or until ctx ends; nil is a timer. For tests.
	Sleep func(ctx context.Context, d time.Duration) error
	// Clock dates what a Retry-After with a date is relative to.
	Clock clock.Clock
	// NewCallID makes the id of a tool call that came without one.
	NewCallID func() string
	// Log is told of retries; nil is silent.
	Log *slog.Logger
}

const rawFactor = 16 // what a frame may weigh beside its text

func (c Config) withDefaults() (Config, error) {
	if strings.TrimSpace(c.Model) == "" {
		return c, errors.New("llm: no model is named: set " + c.setting(settingModel))
	}
	if strings.ContainsAny(c.APIKey, "\r\n\x00") {
		return c, errors.New("llm: the API key holds a line break: check " + c.setting(settingKey))
	}
	if c.Format == "" {
		c.Format = Chat
	}
	if formatOf(c.Format) == nil {
		return c, errors.New("llm: " + c.setting(settingFormat) + " is neither chat nor responses")
	}
	setDuration(&c.FirstByteTimeout, 3*time.Minute)
	setDuration(&c.IdleTimeout, 2*time.Minute)
	setDuration(&c.AttemptTimeout, 15*time.Minute)
	setDuration(&c.RetryBase, 500*time.Millisecond)
	setDuration(&c.MaxRetryAfter, time.Minute)
	if c.MaxReplyBytes <= 0 {
		c.MaxReplyBytes = 10_000_000
	}
	if c.MaxLineBytes <= 0 {
		c.MaxLineBytes = 4_000_000
	}
	switch {
	case c.MaxRetries == 0:
		c.MaxRetries = 3
	case c.MaxRetries < 0:
		c.MaxRetries = 0
	}
	if c.Sleep == nil {
		c.Sleep = sleep
	}
	if c.Clock == nil {
		c.Clock = clock.System{}
	}
	if c.NewCallID == nil {
		c.NewCallID = ids.For("call")
	}
	if c.Log == nil {
		c.Log = slog.New(slog.DiscardHandler)
	}
	if c.HTTPClient == nil {
		c.HTTPClient = newHTTPClient()
	}
	return c, nil
}

// setting is a part of the configuration that a message can name.
type setting struct{ variable, field string }

var (
	settingBaseURL = setting{"MARK_LLM_BASE_URL", "url"}
	settingKey     = setting{"MARK_LLM_API_KEY", "key"}
	settingModel   = setting{"MARK_LLM_MODEL", "model"}
	settingFormat  = setting{"MARK_LLM_API", "format"}
)

// setting says where a part of the configuration is set, for a person.
func (c Config) setting(s setting) string {
	if c.Entry == "" {
		return s.variable
	}
	return fmt.Sprintf("the %s of %q in MARK_MODELS", s.field, c.Entry)
}

func setDuration(d *time.Duration, otherwise time.Duration) {
	if *d <= 0 {
		*d = otherwise
	}
}

// parseBaseURL never quotes the address in an error: it may hold a password.
func parseBaseURL(s, setting string) (*url.URL, error) {
	u, err := url.Parse(strings.TrimSpace(s))
	if err != nil {
		return nil, errors.New("llm: " + setting + " is not an address")
	}
	if (u.Scheme != "http" && u.Scheme != "https") || u.Host == "" {
		return nil, errors.New("llm: " + setting + " has to begin with http:// or https:// and name a host")
	}
	if u.Fragment != "" {
		return nil, fmt.Errorf("llm: %s for %s has a #fragment, which no server sees", setting, u.Host)
	}
	u.Path = strings.TrimSuffix(strings.TrimSuffix(strings.TrimRight(u.Path, "/"), "/chat/completions"), "/responses")
	u.RawPath = ""
	return u, nil
}

// newHTTPClient bounds what happens before a connection stands; what follows is
// bounded by the limits of Config. Redirects are not followed: net/http would
// turn the POST into a GET, and the answer to that explains nothing.
func newHTTPClient() *http.Client {
	return &http.Client{
		Transport: &http.Transport{
			Proxy:                 http.ProxyFromEnvironment,
			DialContext:           (&net.Dialer{Timeout: 15 * time.Second, KeepAlive: 30 * time.Second}).DialContext,
			TLSHandshakeTimeout:   15 * time.Second,
			ForceAttemptHTTP2:     true,
			MaxIdleConnsPerHost:   16,
			IdleConnTimeout:       90 * time.Second,
			ExpectContinueTimeout: time.Second,
		},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}

func sleep(ctx context.Context, d time.Duration) error {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-timer.C:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}
