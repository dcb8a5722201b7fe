package llm

import (
	"context"
	"errors"
	"net/http"
	"testing"
	"testing/synctest"
	"time"

	"github.com/mark-analyst/mark/internal/dialogue"
	"github.com/mark-analyst/mark/internal/fakellm"
)

// waits records the waits between attempts and takes no time for them.
type waits []time.Duration

func (w *waits) sleep(_ context.Context, d time.Duration) error {
	*w = append(*w, d)
	return nil
}

func TestRetries(t *testing.T) {
	good := fakellm.Say(fakellm.Text("Hi there"))
	busy := fakellm.Fail(http.StatusTooManyRequests, `{"error":{"message":"slow down"}}`)
	down := fakellm.Fail(http.StatusServiceUnavailable, `{"error":{"code":503,"message":"Loading model"}}`)
	half := fakellm.Raw("data: {\"choices\":[{\"delta\":{\"role\":\"assistant\"}}]}\n\n")
	spoken := fakellm.Raw("data: {\"choices\":[{\"delta\":{\"content\":\"Hi\"}}]}\n\n")
	thought := fakellm.Raw("data: {\"choices\":[{\"delta\":{\"reasoning\":\"Hm\"}}]}\n\n")
	for _, tc := range []struct {
		name     string
		answers  []fakellm.Answer
		requests int
		code     dialogue.Code // empty: a good reply
		least    time.Duration // of the first wait
	}{
		{"busy once", []fakellm.Answer{busy, good}, 2, "", 250 * time.Millisecond},
		{"busy always", []fakellm.Answer{busy}, 4, dialogue.CodeRateLimited, 250 * time.Millisecond},
		{"Retry-After in seconds", []fakellm.Answer{busy.With("Retry-After", "7"), good}, 2, "", 7 * time.Second},
		{"Retry-After as a date", []fakellm.Answer{busy.With("Retry-After", "Mon, 04 May 2026 03:02:21 GMT"), good}, 2, "", 20 * time.Second},
		{"retry-after-ms", []fakellm.Answer{busy.With("Retry-After-Ms", "2500"), good}, 2, "", 2500 * time.Millisecond},
		{"Retry-After on a 503", []fakellm.Answer{down.With("Retry-After", "3"), good}, 2, "", 3 * time.Second},
		{"Retry-After beyond the limit", []fakellm.Answer{busy.With("Retry-After", "61"), good}, 1, dialogue.CodeRateLimited, 0},
		{"loading", []fakellm.Answer{down, down, good}, 3, "", 250 * time.Millisecond},
		{"broken connection", []fakellm.Answer{fakellm.Dropped(), good}, 2, "", 250 * time.Millisecond},
		{"half a stream, nothing shown", []fakellm.Answer{half, half.Abort(), good}, 3, "", 250 * time.Millisecond},
		{"half a stream, text shown", []fakellm.Answer{spoken, good}, 1, dialogue.CodeBadReply, 0},
		{"half a stream, reasoning shown", []fakellm.Answer{thought, good}, 1, dialogue.CodeBadReply, 0},
		{"a wrong key", []fakellm.Answer{fakellm.Fail(401, `{}`), good}, 1, dialogue.CodeAuth, 0},
		{"a bad request", []fakellm.Answer{fakellm.Fail(400, `{}`), good}, 1, dialogue.CodeBadRequest, 0},
		{"no credit", []fakellm.Answer{fakellm.Fail(429, `{"error":{"code":"insufficient_quota"}}`), good}, 1, dialogue.CodeRateLimited, 0},
	} {
		t.Run(tc.name, func(t *testing.T) {
			server := fakellm.New(t, fakellm.Sequence(tc.answers...))
			var waited waits
			chat := newChat(t, server.BaseURL(), func(cfg *Config) { cfg.MaxRetries, cfg.Sleep = 0, waited.sleep })
			reply, err := chat.Stream(t.Context(), dialogue.Request{}, discard)
			if got := len(server.Requests()); got != tc.requests {
				t.Errorf("%d requests, want %d", got, tc.requests)
			}
			if len(waited) != tc.requests-1 {
				t.Errorf("%d waits before %d requests", len(waited), tc.requests)
			} else if len(waited) > 0 && (waited[0] < tc.least || waited[0] > tc.least+time.Second) {
				t.Errorf("first wait %v, want about %v", waited[0], tc.least)
			}
			switch {
			case tc.code == "" && (err != nil || reply.Message.Content != "Hi there"):
				t.Errorf("%+v, %v", reply, err)
			case tc.code != "" && codeOf(err) != tc.code:
				t.Errorf("error %v, want %s", err, tc.code)
			}
		})
	}
}

func discard(dialogue.Delta) error { return nil }

func codeOf(err error) dialogue.Code {
	var e *dialogue.Error
	if errors.As(err, &e) {
		return e.Code
	}
	return ""
}

func TestRetryWaitsGrow(t *testing.T) {
	server := fakellm.New(t, fakellm.Always(fakellm.Fail(500, "{}")))
	var waited waits
	chat := newChat(t, server.BaseURL(), func(cfg *Config) { cfg.MaxRetries, cfg.Sleep = 9, waited.sleep })
	if _, err := chat.Stream(t.Context(), dialogue.Request{}, discard); codeOf(err) != dialogue.CodeUnavailable {
		t.Fatal(err)
	}
	middle := 500 * time.Millisecond
	for i, got := range waited {
		if got < middle/2 || got > middle*3/2+1 {
			t.Errorf("wait %d is %v, not within half of %v", i, got, middle)
		}
		middle = min(2*middle, 20*time.Second)
	}
}

// TestNoWaitBeyondDeadline: a wait that would outlast the caller's context is
// not begun.
func TestNoWaitBeyondDeadline(t *testing.T) {
	server := fakellm.New(t, fakellm.Always(fakellm.Fail(429, "{}").With("Retry-After", "30")))
	var waited waits
	chat := newChat(t, server.BaseURL(), func(cfg *Config) { cfg.MaxRetries, cfg.Sleep = 3, waited.sleep })
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Second)
	defer cancel()
	_, err := chat.Stream(ctx, dialogue.Request{}, discard)
	if codeOf(err) != dialogue.CodeRateLimited || len(waited) != 0 || len(server.Requests()) != 1 {
		t.Errorf("%v after %d waits and %d requests", err, len(waited), len(server.Requests()))
	}
}

// TestWaitIsCancelled: ctx ends the wait between two attempts.
func TestWaitIsCancelled(t *testing.T) {
	synctest.Test(t, func(t *testing.T) {
		client := fakellm.NewClient(fakellm.Always(fakellm.Fail(429, "{}").With("Retry-After", "30")))
		chat := newChat(t, "http://x.invalid/v1", func(cfg *Config) { cfg.MaxRetries, cfg.HTTPClient = 3, client })
		ctx, cancel := context.WithCancel(t.Context())
		time.AfterFunc(10*time.Second, cancel)
		began := time.Now()
		_, err := chat.Stream(ctx, dialogue.Request{}, discard)
		if !errors.Is(err, context.Canceled) || time.Since(began) != 10*time.Second {
			t.Errorf("%v after %v", err, time.Since(began))
		}
	})
}

func TestRetryAfter(t *testing.T) {
	now := fixedClock{}.Now()
	for value, want := range map[string]time.Duration{
		"": 0, "soon": 0, "-3": 0, "0": 0, "NaN": 0, "1.5": 1500 * time.Millisecond, " 2 ": 2 * time.Second,
		"1e300": 24 * time.Hour, "Mon, 04 May 2026 03:01:01 GMT": 0, "Mon, 04 May 2026 03:03:01 GMT": time.Minute,
	} {
		if got := retryAfter(http.Header{"Retry-After": {value}}, now); got != want {
			t.Errorf("Retry-After %q is %v, want %v", value, got, want)
		}
	}
}
