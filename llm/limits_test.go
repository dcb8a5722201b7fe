package llm

import (
	"bytes"
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mark-analyst/mark/internal/dialogue"
	"github.com/mark-analyst/mark/internal/fakellm"
)

const (
	hello = "data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\n"
	stop  = "data: {\"choices\":[{\"delta\":{},\"finish_reason\":\"stop\"}]}\n\n"
)

// TestTimeLimits runs against a fake clock: an endpoint in-process that pauses.
func TestTimeLimits(t *testing.T) {
	alive := fakellm.Raw("")
	for range 20 { // 100 s of nothing but keep-alives, as while a long prompt is read
		alive = alive.Pause(5 * time.Second).Then(": keep-alive\n\n")
	}
	for _, tc := range []struct {
		name    string
		answer  fakellm.Answer
		code    dialogue.Code // empty: a good reply
		visible bool
		took    time.Duration
		says    string
	}{
		{"no headers", fakellm.Silent(), dialogue.CodeUnavailable, false, 30 * time.Second, "30 seconds"},
		{"headers and nothing else", fakellm.Raw("").Hang(), dialogue.CodeUnavailable, false, 10 * time.Second, "silent"},
		{"silence after text", fakellm.Raw(hello).Hang(), dialogue.CodeUnavailable, true, 10 * time.Second, "silent"},
		{"silence in an error's body", fakellm.Fail(500, "{").Hang(), dialogue.CodeUnavailable, false, 10 * time.Second, "silent"},
		{"keep-alives are no silence", alive.Then(hello + stop), "", true, 100 * time.Second, ""},
		{"keep-alives for ever", repeat(alive, 10), dialogue.CodeUnavailable, false, 5 * time.Minute, "5 minutes"},
		{"slow but alive", repeat(fakellm.Raw("").Pause(9*time.Second).Then(hello), 5).Then(stop), "", true, 45 * time.Second, ""},
		{"an open connection after the end", fakellm.Raw(hello + stop).Hang(), "", true, afterFinish, ""},
		{"an open connection after [DONE]", fakellm.Raw(hello + stop + "data: [DONE]\n\n").Hang(), "", true, drainTime, ""},
	} {
		t.Run(tc.name, func(t *testing.T) {
			synctest.Test(t, func(t *testing.T) {
				client := fakellm.NewClient(fakellm.Always(tc.answer))
				chat := newChat(t, "http://x.invalid/v1", func(cfg *Config) {
					cfg.HTTPClient = client
					cfg.FirstByteTimeout, cfg.IdleTimeout, cfg.AttemptTimeout = 30*time.Second, 10*time.Second, 5*time.Minute
				})
				began := time.Now()
				_, err := chat.Stream(t.Context(), dialogue.Request{}, discard)
				if took := time.Since(began); took != tc.took {
					t.Errorf("took %v, want %v", took, tc.took)
				}
				var e *dialogue.Error
				switch {
				case tc.code == "" && err != nil:
					t.Error(err)
				case tc.code != "" && (!errors.As(err, &e) || e.Code != tc.code || e.Visible != tc.visible || !strings.Contains(e.Message, tc.says)):
					t.Errorf("%+v", err)
				}
			})
		})
	}
}

func repeat(a fakellm.Answer, times int) fakellm.Answer {
	out := a
	for range times - 1 {
		out = out.Followed(a)
	}
	return out
}

// TestTimeoutIsRetriedOnce: finding out took the whole limit, so not four times.
func TestTimeoutIsRetriedOnce(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := fakellm.NewClient(fakellm.Always(fakellm.Silent()))
		chat := newChat(t, "http://x.invalid/v1", func(cfg *Config) { cfg.HTTPClient, cfg.MaxRetries = client, 3 })
		_, err := chat.Stream(t.Context(), dialogue.Request{}, discard)
		if codeOf(err) != dialogue.CodeUnavailable || len(client.Requests()) != 2 {
			t.Errorf("%v after %d requests", err, len(client.Requests()))
		}
	})
}

// TestSlowConsumer: the limits are the server's, not the consumer's.
func TestSlowConsumer(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := fakellm.NewClient(fakellm.Always(fakellm.Raw(hello + stop)))
		chat := newChat(t, "http://x.invalid/v1", func(cfg *Config) {
			cfg.HTTPClient, cfg.FirstByteTimeout, cfg.IdleTimeout = client, time.Second, time.Second
		})
		_, err := chat.Stream(t.Context(), dialogue.Request{}, func(dialogue.Delta) error {
			<-time.After(time.Minute)
			return nil
		})
		if err != nil {
			t.Error(err)
		}
	})
}

func TestSizeLimits(t *testing.T) {
	long := strings.Repeat("x", 600)
	frame := "data: {\"choices\":[{\"delta\":{\"content\":\"" + long + "\"}}]}\n\n"
	for _, tc := range []struct {
		name string
		body string
		ok   bool
	}{
		{"within", frame + stop, true},
		{"a reply", frame + frame + stop, false},
		{"a line", "data: {\"padding\":\"" + strings.Repeat(long, 4) + "\"}\n\n" + hello + stop, false},
		{"a line without an end", "data: " + strings.Repeat(long, 40), false},
		{"an event of many lines", strings.Repeat("data: [[[[\n", 600), false},
		{"one document", "{\"padding\":\"" + strings.Repeat(long, 4) + "\"}", false},
		{"comments without an end", strings.Repeat(": x\n\n", 4000) + hello + stop, false},
		{"arguments", strings.ReplaceAll("data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"function\":{\"name\":\"f\",\"arguments\":\"A\"}}]}}]}\n\n", "A", long+long) + stop, false},
		{"reasoning", strings.ReplaceAll(frame, "content", "reasoning") + frame + stop, false},
		{"a refusal", strings.ReplaceAll(frame+frame, "content", "refusal") + stop, false},
	} {
		t.Run(tc.name, func(t *testing.T) {
			server := fakellm.New(t, fakellm.Always(fakellm.Raw(tc.body)))
			chat := newChat(t, server.BaseURL(), func(cfg *Config) {
				cfg.MaxReplyBytes, cfg.MaxLineBytes, cfg.MaxRetries = 1000, 2000, 3
			})
			_, err := chat.Stream(t.Context(), dialogue.Request{}, discard)
			var e *dialogue.Error
			if tc.ok && err != nil || !tc.ok && (!errors.As(err, &e) || !strings.Contains(e.Message, "too large")) {
				t.Errorf("%v", err)
			}
			if len(server.Requests()) != 1 {
				t.Errorf("%d requests", len(server.Requests()))
			}
		})
	}
}

// TestErrorBodyIsBounded: a failure's explanation without an end is read so far
// and no further.
func TestErrorBodyIsBounded(t *testing.T) {
	server := fakellm.New(t, fakellm.Always(fakellm.Fail(500, strings.Repeat("x", maxErrorBody+1)).Hang()))
	_, err := newChat(t, server.BaseURL(), nil).Stream(t.Context(), dialogue.Request{}, discard)
	if codeOf(err) != dialogue.CodeUnavailable || len(err.Error()) > 2000 {
		t.Errorf("%d bytes of error", len(err.Error()))
	}
}

// TestCancelReachesServer: when the caller's context ends, so does the request.
func TestCancelReachesServer(t *testing.T) {
	server := fakellm.New(t, fakellm.Always(fakellm.Raw(hello).Hang()))
	chat := newChat(t, server.BaseURL(), func(cfg *Config) { cfg.MaxRetries = 3 })
	why := errors.New("the person pressed stop")
	ctx, cancel := context.WithCancelCause(t.Context())
	reply, err := chat.Stream(ctx, dialogue.Request{}, func(dialogue.Delta) error {
		cancel(why)
		return nil
	})
	<-server.Left()
	var e *dialogue.Error
	if !errors.Is(err, why) || !errors.As(err, &e) || !e.Visible || reply.Message.Content != "Hi" {
		t.Errorf("%+v, %v", reply, err)
	}
	if _, err := chat.Stream(ctx, dialogue.Request{}, discard); !errors.Is(err, why) {
		t.Errorf("with an ended context: %v", err)
	}
	if len(server.Requests()) != 1 {
		t.Errorf("%d requests", len(server.Requests()))
	}
}

// TestEmitErrorEndsCall: what cannot be passed on is not asked for any longer.
func TestEmitErrorEndsCall(t *testing.T) {
	server := fakellm.New(t, fakellm.Always(fakellm.Raw(hello).Hang()))
	chat := newChat(t, server.BaseURL(), func(cfg *Config) { cfg.MaxRetries = 3 })
	full := errors.New("disk full")
	_, err := chat.Stream(t.Context(), dialogue.Request{}, func(dialogue.Delta) error { return full })
	<-server.Left()
	if !errors.Is(err, full) || codeOf(err) == "" {
		t.Error(err)
	}
}

// TestConnectionIsReused: the end of a reply leaves its connection usable, where
// the end of the body comes later.
func TestConnectionIsReused(t *testing.T) {
	wanted := make(chan struct{}, 1)
	server := fakellm.New(t, fakellm.Always(fakellm.Say(fakellm.Text("Hi")).Await(wanted)))
	client := newHTTPClient()
	t.Cleanup(client.CloseIdleConnections)
	chat := newChat(t, server.BaseURL(), func(cfg *Config) {
		cfg.HTTPClient = doer(func(r *http.Request) (*http.Response, error) {
			res, err := client.Do(r)
			if err == nil {
				res.Body = &endBody{ReadCloser: res.Body, wanted: wanted}
			}
			return res, err
		})
	})
	chat.drain = 30 * time.Second // the machine may be busy
	for range 5 {
		if _, err := chat.Stream(t.Context(), dialogue.Request{}, discard); err != nil {
			t.Fatal(err)
		}
	}
	if n := server.Connections(); n != 1 {
		t.Errorf("%d connections for 5 requests", n)
	}
}

// endBody tells when it is read beyond the end of a reply.
type endBody struct {
	io.ReadCloser
	read   []byte
	wanted chan<- struct{}
}

func (b *endBody) Read(p []byte) (int, error) {
	if bytes.Contains(b.read, []byte("[DONE]")) {
		select {
		case b.wanted <- struct{}{}:
		default: // told before
		}
	}
	n, err := b.ReadCloser.Read(p)
	b.read = append(b.read, p[:n]...)
	return n, err
}

// TestBodyNotTiedToContext: an in-process Doer whose body knows nothing of the
// request's context is left all the same.
func TestBodyNotTiedToContext(t *testing.T) {
	body := &deafBody{closed: make(chan struct{})}
	chat := newChat(t, "http://x.invalid/v1", func(cfg *Config) {
		cfg.HTTPClient = doer(func(*http.Request) (*http.Response, error) {
			return &http.Response{StatusCode: 200, Header: http.Header{}, Body: body}, nil
		})
		cfg.IdleTimeout = time.Millisecond
	})
	if _, err := chat.Stream(t.Context(), dialogue.Request{}, discard); codeOf(err) != dialogue.CodeUnavailable {
		t.Error(err)
	}
}

type doer func(*http.Request) (*http.Response, error)

func (d doer) Do(r *http.Request) (*http.Response, error) { return d(r) }

// deafBody gives nothing until it is closed.
type deafBody struct {
	once   sync.Once
	closed chan struct{}
}

func (b *deafBody) Read([]byte) (int, error) {
	<-b.closed
	return 0, http.ErrBodyReadAfterClose
}

func (b *deafBody) Close() error {
	b.once.Do(func() { close(b.closed) })
	return nil
}
