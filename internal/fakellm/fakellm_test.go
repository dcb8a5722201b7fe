package fakellm_test

import (
	"context"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"go.uber.org/goleak"

	"github.com/mark-analyst/mark/internal/fakellm"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

const question = `{"model":"m","messages":[{"role":"user","content":"Hi"},{"role":"assistant"}],"tools":[{"type":"function","function":{"name":"f"}}]}`

// doer is either of the two ways to reach a fake.
type doer interface {
	Do(*http.Request) (*http.Response, error)
}

// both runs a test against a server and against a client in-process.
func both(t *testing.T, script fakellm.Script, test func(t *testing.T, d doer, base string)) {
	t.Run("server", func(t *testing.T) {
		server := fakellm.New(t, script)
		client := &http.Client{Transport: &http.Transport{}}
		defer client.CloseIdleConnections()
		test(t, client, server.BaseURL())
	})
	t.Run("client", func(t *testing.T) {
		test(t, fakellm.NewClient(script), "http://x.invalid/v1")
	})
}

func post(ctx context.Context, d doer, base string) (status int, body string, err error) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, base+"/chat/completions", strings.NewReader(question))
	if err != nil {
		return 0, "", err
	}
	res, err := d.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer res.Body.Close()
	b, err := io.ReadAll(res.Body)
	return res.StatusCode, string(b), err
}

func TestAnswers(t *testing.T) {
	open := make(chan struct{})
	close(open)
	for _, tc := range []struct {
		name   string
		answer fakellm.Answer
		status int
		body   string
		broken bool
	}{
		{"raw", fakellm.Raw("abc"), 200, "abc", false},
		{"split", fakellm.Raw("abc").Split(1), 200, "abc", false},
		{"split at", fakellm.Raw("abc").SplitAt(2).Then("d"), 200, "abcd", false},
		{"awaited", fakellm.Raw("abc").Await(open).Then("d"), 200, "abcd", false},
		{"failure", fakellm.Fail(429, "{}"), 429, "{}", false},
		{"broken off", fakellm.Raw("abc").Abort(), 200, "abc", true},
		{"dropped", fakellm.Dropped(), 0, "", true},
	} {
		t.Run(tc.name, func(t *testing.T) {
			both(t, fakellm.Always(tc.answer), func(t *testing.T, d doer, base string) {
				status, body, err := post(t.Context(), d, base)
				if status != tc.status || body != tc.body || (err != nil) != tc.broken {
					t.Errorf("%d %q %v", status, body, err)
				}
			})
		})
	}
}

func TestScript(t *testing.T) {
	script := func(r fakellm.Request) fakellm.Answer {
		if !r.Offers("f") || r.Offers("g") || r.Last("user").Text() != "Hi" || r.Last("assistant").Content != nil || r.Model != "m" {
			return fakellm.Fail(400, `"the request was not understood"`)
		}
		return fakellm.Say(fakellm.Text("a b"), fakellm.Call("1", "f", map[string]int{"x": 1}), fakellm.Tokens(3, 2, 1))
	}
	both(t, script, func(t *testing.T, d doer, base string) {
		status, body, err := post(t.Context(), d, base)
		for _, part := range []string{`{"content":"a "}`, `"arguments":"{\"x\":1}"`, `"finish_reason":"tool_calls"`, `"cached_tokens":2`, "data: [DONE]\n\n"} {
			if !strings.Contains(body, part) {
				t.Errorf("%d %v: no %s in %s", status, err, part, body)
			}
		}
	})
}

func TestSequence(t *testing.T) {
	both(t, fakellm.Sequence(fakellm.Raw("1"), fakellm.Raw("2")), func(t *testing.T, d doer, base string) {
		for _, want := range []string{"1", "2", "2"} {
			if _, body, err := post(t.Context(), d, base); body != want {
				t.Errorf("%q %v, want %q", body, err, want)
			}
		}
	})
}

// TestHangs: nothing comes until the client leaves, which the fake tells.
func TestHangs(t *testing.T) {
	arrived := make(chan struct{})
	script := func(fakellm.Request) fakellm.Answer {
		arrived <- struct{}{}
		return fakellm.Silent()
	}
	server, inProcess := fakellm.New(t, script), fakellm.NewClient(script)
	client := &http.Client{Transport: &http.Transport{}}
	defer client.CloseIdleConnections()
	for _, tc := range []struct {
		d    doer
		left <-chan struct{}
	}{{client, server.Left()}, {inProcess, inProcess.Left()}} {
		ctx, cancel := context.WithCancel(t.Context())
		done := make(chan error)
		go func() {
			_, _, err := post(ctx, tc.d, server.BaseURL())
			done <- err
		}()
		<-arrived
		cancel()
		if err := <-done; !errors.Is(err, context.Canceled) {
			t.Error(err)
		}
		<-tc.left
	}
}
