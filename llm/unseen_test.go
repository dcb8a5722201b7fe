package llm

import (
	"log/slog"
	"net/http"
	"testing"

	"github.com/mark-analyst/mark/internal/clock"
	"github.com/mark-analyst/mark/internal/dialogue"
	"github.com/mark-analyst/mark/internal/fakellm"
)

// What attempts took that nobody saw is told with the reply that came in the end, or
// with the failure, apart from its own: that says how long the prompt was.
func TestUnseenAttemptsAreTold(t *testing.T) {
	empty := fakellm.Say(fakellm.Tokens(100, 40, 3))
	good := fakellm.Say(fakellm.Text("Hi"), fakellm.Tokens(110, 50, 7))
	busy := fakellm.Fail(http.StatusTooManyRequests, `{}`)
	none, one := dialogue.Usage{}, dialogue.Usage{PromptTokens: 100, CachedTokens: 40, CompletionTokens: 3}
	last := dialogue.Usage{PromptTokens: 110, CachedTokens: 50, CompletionTokens: 7}
	for name, test := range map[string]struct {
		answers       []fakellm.Answer
		usage, unseen dialogue.Usage
		code          dialogue.Code
	}{
		"at once":      {[]fakellm.Answer{good}, last, none, ""},
		"after two":    {[]fakellm.Answer{empty, empty, good}, last, one.Add(one), ""},
		"never told":   {[]fakellm.Answer{busy, good}, last, none, ""},
		"in between":   {[]fakellm.Answer{busy, empty, busy, good}, last, one, ""},
		"never a good": {[]fakellm.Answer{empty}, one, one.Add(one).Add(one), dialogue.CodeBadReply},
	} {
		for _, format := range []Format{Chat, Responses} {
			t.Run(name+" "+string(format), func(t *testing.T) {
				server := fakellm.New(t, fakellm.Sequence(test.answers...))
				var waited waits
				model := newChat(t, server.BaseURL(), func(cfg *Config) { cfg.Format, cfg.MaxRetries, cfg.Sleep = format, 3, waited.sleep })
				reply, err := model.Stream(t.Context(), dialogue.Request{}, discard)
				if reply.Usage != test.usage || reply.Unseen != test.unseen || codeOf(err) != test.code {
					t.Errorf("%+v, unseen %+v, %v", reply.Usage, reply.Unseen, err)
				}
			})
		}
	}
}

// What the first model took is told with the reply of the one that it falls back to.
func TestAFallbackTellsWhatTheFirstTook(t *testing.T) {
	failing := fakellm.New(t, fakellm.Always(fakellm.Raw(`data: {"choices":[],"usage":{"prompt_tokens":100,"completion_tokens":3}}`+"\n\n"+
		`data: {"error":{"code":503,"message":"overloaded"}}`+"\n\n")))
	good := fakellm.New(t, fakellm.Always(fakellm.Say(fakellm.Text("Hi"), fakellm.Tokens(110, 0, 7))))
	var waited waits
	retries := func(n int) func(*Config) { return func(cfg *Config) { cfg.MaxRetries, cfg.Sleep = n, waited.sleep } }
	f := &Fallback{
		First: newChat(t, failing.BaseURL(), retries(2)), Second: newChat(t, good.BaseURL(), retries(0)), SecondName: "second",
		Clock: clock.System{}, Log: slog.New(slog.DiscardHandler),
	}
	reply, err := f.Stream(t.Context(), dialogue.Request{}, discard)
	if err != nil || reply.Usage.PromptTokens != 110 || reply.Unseen != (dialogue.Usage{PromptTokens: 300, CompletionTokens: 9}) {
		t.Errorf("%+v, unseen %+v, %v", reply.Usage, reply.Unseen, err)
	}
}
