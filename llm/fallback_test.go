package llm

import (
	"context"
	"errors"
	"log/slog"
	"testing"
	"time"

	"github.com/mark-analyst/mark/internal/dialogue"
	"github.com/mark-analyst/mark/internal/fakellm"
)

// wallClock is a clock that a test moves.
type wallClock struct{ now time.Time }

func (c *wallClock) Now() time.Time { return c.now }

func TestFallback(t *testing.T) {
	good := fakellm.Say(fakellm.Text("From the first"))
	for name, tc := range map[string]struct {
		first fakellm.Answer
		by    string        // empty: the first one's reply or failure is told
		code  dialogue.Code // of the failure
	}{
		"it works":             {first: good},
		"5xx":                  {first: fakellm.Fail(503, `{}`), by: "second"},
		"unreachable":          {first: fakellm.Dropped(), by: "second"},
		"429":                  {first: fakellm.Fail(429, `{}`), by: "second"},
		"no credit":            {first: fakellm.Fail(429, `{"error":{"code":"insufficient_quota"}}`), by: "second"},
		"an error in a stream": {first: fakellm.Raw("data: {\"error\":{\"code\":503,\"message\":\"x\"}}\n\n"), by: "second"},
		"gone after text":      {first: good.UpTo("From").Abort(), code: dialogue.CodeBadReply},
		"down after text":      {first: good.UpTo("From").Then("data: {\"error\":{\"code\":503,\"message\":\"x\"}}\n\n"), code: dialogue.CodeUnavailable},
		"a bad request":        {first: fakellm.Fail(400, `{}`), code: dialogue.CodeBadRequest},
		"a wrong key":          {first: fakellm.Fail(401, `{}`), code: dialogue.CodeAuth},
		"no such model":        {first: fakellm.Fail(404, `{}`), code: dialogue.CodeNotFound},
		"too long":             {first: fakellm.Fail(413, ``), code: dialogue.CodeTooLong},
		"a refusal":            {first: fakellm.Say(fakellm.Refusal("No.")), code: dialogue.CodeRefused},
	} {
		t.Run(name, func(t *testing.T) {
			first, second := fakellm.New(t, fakellm.Always(tc.first)), fakellm.New(t, fakellm.Always(fakellm.Say(fakellm.Text("From the second"))))
			f := &Fallback{
				First: newChat(t, first.BaseURL(), nil), Second: newChat(t, second.BaseURL(), speakResponses), SecondName: "second",
				Clock: &wallClock{}, Log: slog.New(slog.DiscardHandler),
			}
			reply, err := f.Stream(t.Context(), dialogue.Request{}, discard)
			if codeOf(err) != tc.code || reply.By != tc.by || (len(second.Requests()) > 0) != (tc.by != "") {
				t.Errorf("%+v, %v, %d requests to the second", reply, err, len(second.Requests()))
			}
			if tc.by != "" && reply.Message.Content != "From the second" {
				t.Errorf("%+v", reply)
			}
		})
	}
}

// TestFallbackRests: a model that was not available is left alone for a minute,
// and then asked again.
func TestFallbackRests(t *testing.T) {
	first := fakellm.New(t, fakellm.Sequence(fakellm.Fail(503, `{}`), fakellm.Say(fakellm.Text("Back"))))
	second := fakellm.New(t, fakellm.Always(fakellm.Say(fakellm.Text("Instead"))))
	now := &wallClock{now: fixedClock{}.Now()}
	f := &Fallback{
		First: newChat(t, first.BaseURL(), nil), Second: newChat(t, second.BaseURL(), nil), SecondName: "second",
		Clock: now, Log: slog.New(slog.DiscardHandler),
	}
	for i, want := range []struct {
		wait        time.Duration
		says        string
		first, both int // requests so far
	}{{0, "Instead", 1, 2}, {59 * time.Second, "Instead", 1, 3}, {time.Second, "Back", 2, 4}, {0, "Back", 3, 5}} {
		now.now = now.now.Add(want.wait)
		reply, err := f.Stream(t.Context(), dialogue.Request{}, discard)
		asked := len(first.Requests())
		if err != nil || reply.Message.Content != want.says || asked != want.first || asked+len(second.Requests()) != want.both {
			t.Errorf("call %d: %+v, %v, %d and %d requests", i, reply, err, asked, len(second.Requests()))
		}
	}
}

// TestFallbackThatIsNotThere: a model that rests is asked all the same where the
// other is not available either, and rests no longer once it has answered.
func TestFallbackThatIsNotThere(t *testing.T) {
	first := fakellm.New(t, fakellm.Sequence(fakellm.Fail(503, `{}`), fakellm.Fail(503, `{}`), fakellm.Say(fakellm.Text("Back"))))
	second := fakellm.New(t, fakellm.Always(fakellm.Fail(503, `{}`)))
	f := &Fallback{
		First: newChat(t, first.BaseURL(), nil), Second: newChat(t, second.BaseURL(), nil), SecondName: "second",
		Clock: &wallClock{now: fixedClock{}.Now()}, Log: slog.New(slog.DiscardHandler),
	}
	for i, want := range []struct {
		code          dialogue.Code
		by            string
		first, second int // requests so far
	}{{dialogue.CodeUnavailable, "second", 1, 1}, {dialogue.CodeUnavailable, "second", 2, 2}, {"", "", 3, 3}, {"", "", 4, 3}} {
		reply, err := f.Stream(t.Context(), dialogue.Request{}, discard)
		if codeOf(err) != want.code || reply.By != want.by || len(first.Requests()) != want.first || len(second.Requests()) != want.second {
			t.Errorf("call %d: %+v, %v, %d and %d requests", i, reply, err, len(first.Requests()), len(second.Requests()))
		}
	}
}

// TestFallbackOfAFallback: the name is that of the model which answered.
func TestFallbackOfAFallback(t *testing.T) {
	down := fakellm.New(t, fakellm.Always(fakellm.Fail(503, `{}`)))
	third := fakellm.New(t, fakellm.Always(fakellm.Say(fakellm.Text("From the third"))))
	with := func(first, second Model, name string) Model {
		return &Fallback{First: first, Second: second, SecondName: name, Clock: &wallClock{}, Log: slog.New(slog.DiscardHandler)}
	}
	away := newChat(t, down.BaseURL(), nil)
	reply, err := with(away, with(away, newChat(t, third.BaseURL(), nil), "third"), "second").Stream(t.Context(), dialogue.Request{}, discard)
	if err != nil || reply.By != "third" {
		t.Errorf("%+v, %v", reply, err)
	}
}

// TestFallbackIsNotForStopping: a person who presses stop asks nobody else, and
// it says nothing about the first model.
func TestFallbackIsNotForStopping(t *testing.T) {
	first := fakellm.New(t, fakellm.Always(fakellm.Say(fakellm.Text("Here"))))
	second := fakellm.New(t, fakellm.Always(fakellm.Say(fakellm.Text("Instead"))))
	f := &Fallback{First: newChat(t, first.BaseURL(), nil), Second: newChat(t, second.BaseURL(), nil), SecondName: "second", Clock: &wallClock{now: fixedClock{}.Now()}, Log: slog.New(slog.DiscardHandler)}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := f.Stream(ctx, dialogue.Request{}, discard); !errors.Is(err, context.Canceled) || len(second.Requests()) != 0 {
		t.Errorf("%v, %d requests to the second", err, len(second.Requests()))
	}
	if reply, err := f.Stream(t.Context(), dialogue.Request{}, discard); err != nil || reply.By != "" {
		t.Errorf("afterwards the first is left alone: %+v, %v", reply, err)
	}
}
