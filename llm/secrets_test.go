package llm

import (
	"errors"
	"fmt"
	"log/slog"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/mark-analyst/mark/internal/dialogue"
	"github.com/mark-analyst/mark/internal/fakellm"
)

// TestNoSecretInErrors: whatever a server or the HTTP client says, and however
// the error is printed, neither the key nor the address's credentials show; nor
// in the log.
func TestNoSecretInErrors(t *testing.T) {
	const key, user, password, token = "sk-live-4711", "hannah", "pa55word", "q-t0ken"
	echo := key + " " + user + ":" + password + " " + token
	for name, answer := range map[string]fakellm.Answer{
		"401":        fakellm.Fail(401, `{"error":{"message":"wrong key `+echo+`"}}`),
		"400":        fakellm.Fail(400, echo),
		"500":        fakellm.Fail(500, `{"error":"`+echo+`","code":"`+echo+`"}`),
		"in stream":  fakellm.Raw(`data: {"error":{"message":"` + echo + `"}}` + "\n\n"),
		"a dropped":  fakellm.Dropped(),
		"no answer":  fakellm.Silent(),
		"a bad line": fakellm.Raw("data: " + echo + "\n\n"),
	} {
		t.Run(name, func(t *testing.T) {
			server := fakellm.New(t, fakellm.Always(answer))
			host := strings.TrimPrefix(server.BaseURL(), "http://")
			var log strings.Builder
			for i, withKey := range []string{key, key, "", ""} {
				chat := newChat(t, fmt.Sprintf("http://%s:%s@%s?token=%s", user, password, host, token), func(cfg *Config) {
					cfg.Format = []Format{Chat, Responses}[i%2]
					cfg.APIKey, cfg.MaxRetries, cfg.RetryBase, cfg.FirstByteTimeout = withKey, 1, 1, 1e7
					cfg.Log = slog.New(slog.NewTextHandler(&log, nil))
				})
				_, err := chat.Stream(t.Context(), dialogue.Request{}, discard)
				if err == nil {
					t.Fatal("no error")
				}
				shown := log.String() + chat.Name()
				for e := err; e != nil; e = errors.Unwrap(e) {
					shown += fmt.Sprintf("%s %v %+v %q\n", e, e, e, e)
				}
				var told *dialogue.Error
				if errors.As(err, &told) {
					shown += told.Message
				}
				for _, secret := range []string{withKey, user, password, token} {
					if secret != "" && strings.Contains(shown, secret) {
						t.Errorf("%q shows in %s", secret, shown)
					}
				}
			}
		})
	}
}

// TestNoSecretWithoutConnection is the same for errors that net/http makes,
// which quote the address.
func TestNoSecretWithoutConnection(t *testing.T) {
	chat := newChat(t, "http://hannah:pa55word@x.invalid/v1?token=q-t0ken", func(cfg *Config) {
		cfg.HTTPClient = doer(func(r *http.Request) (*http.Response, error) {
			inner := &url.Error{Op: "Post", URL: r.URL.String(), Err: errors.New("no route to host")}
			return nil, &url.Error{Op: "Post", URL: r.URL.String(), Err: inner}
		})
	})
	_, err := chat.Stream(t.Context(), dialogue.Request{}, discard)
	if err == nil || strings.Contains(err.Error(), "hannah") || strings.Contains(err.Error(), "t0ken") || strings.Contains(err.Error(), "x.invalid/v1") || !strings.Contains(err.Error(), "no route to host") {
		t.Error(err)
	}
}

func TestCredentialsOnTheWire(t *testing.T) {
	for _, tc := range []struct{ name, key, userinfo, query, want, path string }{
		{"key", "k", "", "", "Bearer k", "/v1/chat/completions"},
		{"no key", "", "", "", "", "/v1/chat/completions"},
		{"address", "", "u:p@", "", "Basic dTpw", "/v1/chat/completions"},
		{"key before address", "k", "u:p@", "", "Bearer k", "/v1/chat/completions"},
		{"query", "k", "", "/?api-version=1", "Bearer k", "/v1/chat/completions?api-version=1"},
		{"the whole path", "k", "", "/chat/completions/", "Bearer k", "/v1/chat/completions"},
		{"responses", "k", "", "?api-version=1", "Bearer k", "/v1/responses?api-version=1"},
		{"responses, the whole path", "k", "", "/responses/", "Bearer k", "/v1/responses"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			server := fakellm.New(t, fakellm.Always(fakellm.Say(fakellm.Text("Hi"))))
			base := strings.Replace(server.BaseURL(), "://", "://"+tc.userinfo, 1) + tc.query
			chat := newChat(t, base, func(cfg *Config) {
				cfg.APIKey = tc.key
				if strings.Contains(tc.path, "/responses") {
					cfg.Format = Responses
				}
			})
			if _, err := chat.Stream(t.Context(), dialogue.Request{}, discard); err != nil {
				t.Fatal(err)
			}
			got := server.Requests()[0]
			if got.Header.Get("Authorization") != tc.want {
				t.Errorf("Authorization %q, want %q", got.Header.Get("Authorization"), tc.want)
			}
			path := got.Path
			if got.Query != "" {
				path += "?" + got.Query
			}
			if path != tc.path {
				t.Errorf("path %q, want %q", path, tc.path)
			}
		})
	}
}

func TestAzureKey(t *testing.T) {
	client := fakellm.NewClient(fakellm.Always(fakellm.Say(fakellm.Text("Hi"))))
	chat := newChat(t, "https://mine.openai.azure.com/openai/v1", func(cfg *Config) { cfg.APIKey, cfg.HTTPClient = "k", client })
	if _, err := chat.Stream(t.Context(), dialogue.Request{}, discard); err != nil {
		t.Fatal(err)
	}
	if got := client.Requests()[0].Header.Get("api-key"); got != "k" {
		t.Errorf("api-key is %q", got)
	}
}

// TestRedirectIsNotFollowed: net/http would send the question, and perhaps the
// key, to wherever it points.
func TestRedirectIsNotFollowed(t *testing.T) {
	other := fakellm.New(t, fakellm.Always(fakellm.Say(fakellm.Text("Hi"))))
	server := fakellm.New(t, fakellm.Always(fakellm.Fail(307, "").With("Location", other.BaseURL()+"/chat/completions")))
	_, err := newChat(t, server.BaseURL(), nil).Stream(t.Context(), dialogue.Request{}, discard)
	if codeOf(err) != dialogue.CodeNotFound || len(other.Requests()) != 0 {
		t.Errorf("%v, %d requests elsewhere", err, len(other.Requests()))
	}
}

func TestNewRefuses(t *testing.T) {
	for _, tc := range []struct{ name, base, key, model, says string }{
		{"no model", "http://x/v1", "", " ", "MARK_LLM_MODEL"},
		{"no scheme", "x/v1", "", "m", "http://"},
		{"another scheme", "ftp://x/v1", "", "m", "http://"},
		{"no host", "http:///v1", "", "m", "host"},
		{"no address", "http://u:pa55word@x:y:z/v1", "", "m", "not an address"},
		{"a fragment", "http://u:pa55word@x/v1#f", "", "m", "fragment"},
		{"a line break in the key", "http://x/v1", "k\n", "m", "MARK_LLM_API_KEY"},
	} {
		_, err := New(Config{BaseURL: tc.base, APIKey: tc.key, Model: tc.model})
		if err == nil || !strings.Contains(err.Error(), tc.says) || strings.Contains(err.Error(), "pa55word") {
			t.Errorf("%s: %v", tc.name, err)
		}
	}
}

// TestNamesTheEntry: what is wrong with a model of the list names it, not the
// settings of another.
func TestNamesTheEntry(t *testing.T) {
	for says, answer := range map[string]fakellm.Answer{
		`the key of "fast" in MARK_MODELS`:                fakellm.Fail(401, `{}`),
		`the model of "fast" in MARK_MODELS (m-default)`:  fakellm.Fail(404, `{}`),
		`the format of "fast" in MARK_MODELS can be chat`: fakellm.Fail(404, `{}`),
		`the url of "fast" in MARK_MODELS`:                fakellm.Fail(307, ``),
	} {
		server := fakellm.New(t, fakellm.Always(answer))
		_, err := newChat(t, server.BaseURL(), func(cfg *Config) { cfg.Entry, cfg.Format = "fast", Responses }).Stream(t.Context(), dialogue.Request{}, discard)
		var e *dialogue.Error
		if !errors.As(err, &e) || !strings.Contains(e.Message, says) || strings.Contains(e.Message, "MARK_LLM") {
			t.Errorf("%v, want %q", err, says)
		}
	}
	if _, err := New(Config{Entry: "fast", BaseURL: "x", Model: "m"}); err == nil || !strings.Contains(err.Error(), `the url of "fast" in MARK_MODELS`) {
		t.Error(err)
	}
}

// TestUnreachable: nothing listens there.
func TestUnreachable(t *testing.T) {
	server := fakellm.New(t, fakellm.Always(fakellm.Dropped()))
	base := server.BaseURL()
	server.Close()
	_, err := newChat(t, base, nil).Stream(t.Context(), dialogue.Request{}, discard)
	var e *dialogue.Error
	if !errors.As(err, &e) || e.Code != dialogue.CodeUnavailable || !strings.Contains(e.Message, "could not be reached") {
		t.Error(err)
	}
}
