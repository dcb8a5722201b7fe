package llm

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/mark-analyst/mark/internal/dialogue"
	"github.com/mark-analyst/mark/internal/fakellm"
)

// transcript is a file of testdata/chat or testdata/responses: a line about it, how it is served,
// the bytes of the body, and what the adapter makes of them.
type transcript struct {
	Status      int               `json:"status"`
	ContentType string            `json:"contentType"`
	Header      map[string]string `json:"header"`
	CRLF        bool              `json:"crlf"`
	Trim        bool              `json:"trim"`  // no line end at the end
	Abort       bool              `json:"abort"` // the connection breaks after the body
	Choice      dialogue.Choice   `json:"choice"`
	MaxTokens   int               `json:"maxTokens"`
	Context     int               `json:"contextTokens"`

	format Format
	body   string
	want   outcome
}

// outcome is what a caller of Stream sees.
type outcome struct {
	Text      string              `json:"text,omitempty"`
	Reasoning string              `json:"reasoning,omitempty"`
	Calls     []dialogue.ToolCall `json:"calls,omitempty"`
	Finish    dialogue.Finish     `json:"finish,omitempty"`
	Usage     struct {
		Prompt     int `json:"prompt,omitempty"`
		Cached     int `json:"cached,omitempty"`
		Completion int `json:"completion,omitempty"`
		Reasoning  int `json:"reasoning,omitempty"`
	} `json:"usage"`
	Model      string        `json:"model,omitempty"`
	Error      dialogue.Code `json:"error,omitempty"`
	Visible    bool          `json:"visible,omitempty"`
	Says       string        `json:"says,omitempty"` // a part of the error's message
	RetryAfter int           `json:"retryAfter,omitempty"`
	// Glued says that the deltas tell of other calls than the reply has.
	Glued bool `json:"glued,omitempty"`
	// Native is how many items of the endpoint's own are kept.
	Native int `json:"native,omitempty"`
}

// transcripts reads the transcripts of both formats, by format and name.
func transcripts(t *testing.T) map[string]transcript {
	t.Helper()
	out := map[string]transcript{}
	for _, format := range []Format{Chat, Responses} {
		files, err := filepath.Glob(filepath.Join("testdata", string(format), "*.txt"))
		if err != nil || len(files) < 40 {
			t.Fatalf("%d transcripts of %s found, %v", len(files), format, err)
		}
		for _, file := range files {
			tr := readTranscript(t, file)
			tr.format = format
			out[string(format)+"/"+strings.TrimSuffix(filepath.Base(file), ".txt")] = tr
		}
	}
	return out
}

func readTranscript(t *testing.T, file string) transcript {
	t.Helper()
	raw, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	head, rest, ok := strings.Cut(string(raw), "-- stream --\n")
	body, want, ok2 := strings.Cut(rest, "-- want --\n")
	if !ok || !ok2 {
		t.Fatalf("%s lacks a section", file)
	}
	tr := transcript{Status: http.StatusOK, ContentType: "text/event-stream", body: body}
	if _, options, ok := strings.Cut(head, "-- case --\n"); ok {
		strictly(t, file, options, &tr)
	}
	strictly(t, file, want, &tr.want)
	if tr.CRLF {
		tr.body = strings.ReplaceAll(tr.body, "\n", "\r\n")
	}
	if tr.Trim {
		tr.body = strings.TrimRight(tr.body, "\n")
	}
	return tr
}

func strictly(t *testing.T, file, text string, into any) {
	t.Helper()
	dec := json.NewDecoder(strings.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(into); err != nil {
		t.Fatalf("%s: %v", file, err)
	}
}

func (tr transcript) answer() fakellm.Answer {
	a := fakellm.Raw(tr.body).Status(tr.Status).With("Content-Type", tr.ContentType)
	for k, v := range tr.Header {
		a = a.With(k, v)
	}
	if tr.Abort {
		a = a.Abort()
	}
	return a
}

func (tr transcript) speak(cfg *Config) { cfg.Format, cfg.ContextTokens = tr.format, tr.Context }

func (tr transcript) request() dialogue.Request {
	return dialogue.Request{
		Messages: []dialogue.Message{{Role: dialogue.User, Content: "Go on."}},
		Tools:    []dialogue.Tool{{Name: "run_python"}, {Name: "list_datasets"}},
		Choice:   tr.Choice, MaxTokens: tr.MaxTokens,
	}
}

// newChat makes an adapter whose waits take no time and whose ids are made-1,
// made-2 and so on.
func newChat(t testing.TB, baseURL string, change func(*Config)) *Endpoint {
	t.Helper()
	made := 0
	cfg := Config{
		BaseURL: baseURL, Model: "m-default", APIKey: testKey, MaxRetries: -1,
		NewCallID: func() string { made++; return fmt.Sprintf("made-%d", made) },
		Clock:     fixedClock{},
	}
	if change != nil {
		change(&cfg)
	}
	c, err := New(cfg)
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(c.Close)
	return c
}

// testKey is the key of all adapters in tests that set none.
const testKey = "sk-test-SECRET"

type fixedClock struct{}

func (fixedClock) Now() time.Time { return time.Date(2026, 5, 4, 3, 2, 1, 0, time.UTC) }

// observe asks and returns what a caller sees, having checked that the deltas
// and the reply tell the same.
func observe(t testing.TB, c Model, req dialogue.Request, glued bool) outcome {
	t.Helper()
	var shown []dialogue.Delta
	reply, err := c.Stream(t.Context(), req, func(d dialogue.Delta) error {
		shown = append(shown, d)
		return nil
	})
	var o outcome
	o.Text, o.Reasoning, o.Finish, o.Calls = reply.Message.Content, reply.Message.Reasoning, reply.Finish, reply.Message.ToolCalls
	o.Usage.Prompt, o.Usage.Cached = reply.Usage.PromptTokens, reply.Usage.CachedTokens
	o.Usage.Completion, o.Usage.Reasoning = reply.Usage.CompletionTokens, reply.Usage.ReasoningTokens
	o.Model, o.Glued, o.Native = reply.Model, glued, len(reply.Message.Native.Items)
	var calls []dialogue.ToolCall
	var text, reasoning string
	for _, d := range shown {
		set := 0
		for _, there := range []bool{d.Text != "", d.Reasoning != "", d.Call != nil} {
			if there {
				set++
			}
		}
		if set != 1 {
			t.Errorf("a delta with %d fields set: %+v", set, d)
		}
		text, reasoning = text+d.Text, reasoning+d.Reasoning
		if d.Call == nil {
			continue
		}
		if d.Call.Index == len(calls) {
			calls = append(calls, dialogue.ToolCall{ID: d.Call.ID, Name: d.Call.Name})
		} else if d.Call.ID != "" || d.Call.Name != "" {
			t.Errorf("a call announced twice: %+v", d.Call)
		}
		calls[d.Call.Index].Arguments += d.Call.Arguments
	}
	if text != o.Text || reasoning != o.Reasoning {
		t.Errorf("deltas say %q, %q; the reply %q, %q", text, reasoning, o.Text, o.Reasoning)
	}
	if err == nil && !glued {
		if diff := cmp.Diff(o.Calls, calls); diff != "" {
			t.Errorf("deltas and reply tell of other calls (-reply +deltas):\n%s", diff)
		}
	}
	if err != nil {
		var e *dialogue.Error
		if !errors.As(err, &e) {
			t.Fatalf("not a *dialogue.Error: %v", err)
		}
		o.Error, o.Visible, o.Says, o.RetryAfter = e.Code, e.Visible, e.Message, int(e.RetryAfter.Seconds())
		if len(o.Calls) > 0 {
			t.Errorf("calls beside an error: %+v", o.Calls)
		}
		if o.Visible != (len(shown) > 0) {
			t.Errorf("visible is %v after %d deltas", o.Visible, len(shown))
		}
		if strings.Contains(err.Error(), testKey) {
			t.Errorf("the key is in the error: %v", err)
		}
	}
	return o
}

func compare(t testing.TB, want, got outcome) {
	t.Helper()
	if !strings.Contains(got.Says, want.Says) {
		t.Errorf("message %q lacks %q", got.Says, want.Says)
	}
	if want.Error != "" && got.Says == "" {
		t.Error("an error without a message")
	}
	got.Says = want.Says
	if want.Model == "" {
		got.Model = ""
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("-want +got:\n%s", diff)
	}
}

// TestTranscripts plays each transcript over HTTP.
func TestTranscripts(t *testing.T) {
	for name, tr := range transcripts(t) {
		t.Run(name, func(t *testing.T) {
			server := fakellm.New(t, fakellm.Always(tr.answer()))
			chat := newChat(t, server.BaseURL(), tr.speak)
			compare(t, tr.want, observe(t, chat, tr.request(), tr.want.Glued))
		})
	}
}

// TestSplit plays each transcript in-process, cut into single bytes, and cut in
// two before each of its bytes (of a long one at up to 600 places, for the cost
// grows with the square).
func TestSplit(t *testing.T) {
	for name, tr := range transcripts(t) {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			for at := 0; at <= len(tr.body); at += 1 + len(tr.body)/600 {
				chat := newChat(t, "http://split.invalid/v1", func(cfg *Config) {
					tr.speak(cfg)
					cfg.HTTPClient = &splitClient{transcript: tr, at: at}
				})
				compare(t, tr.want, observe(t, chat, tr.request(), tr.want.Glued))
				if t.Failed() {
					t.Fatalf("when cut before byte %d of %d (0: into bytes)", at, len(tr.body))
				}
			}
		})
	}
}

// splitClient answers with a transcript in two reads, or in single bytes where
// at is 0.
type splitClient struct {
	transcript
	at int
}

func (s *splitClient) Do(*http.Request) (*http.Response, error) {
	end := io.EOF
	if s.Abort {
		end = io.ErrUnexpectedEOF
	}
	res := &http.Response{StatusCode: s.Status, Header: http.Header{"Content-Type": {s.ContentType}}}
	for k, v := range s.Header {
		res.Header.Set(k, v)
	}
	res.Body = &splitBody{left: []byte(s.body), at: s.at, end: end}
	return res, nil
}

type splitBody struct {
	left []byte
	at   int
	end  error
}

func (b *splitBody) Read(p []byte) (int, error) {
	if len(b.left) == 0 {
		return 0, b.end
	}
	n := len(b.left)
	switch {
	case b.at == 0:
		n = 1
	case b.at < n:
		n = b.at
	}
	n = copy(p, b.left[:n])
	b.left = b.left[n:]
	if b.at > 0 {
		b.at = max(b.at-n, 0)
		if b.at == 0 {
			b.at = len(b.left) + 1
		}
	}
	return n, nil
}

func (b *splitBody) Close() error { return nil }

// TestStreamsAsItComes shows that a delta is handed out before the next byte of
// the stream exists.
func TestStreamsAsItComes(t *testing.T) {
	gate := make(chan struct{})
	first, rest, _ := bytes.Cut([]byte(transcripts(t)["chat/text"].body), []byte("lo, "))
	cut := bytes.LastIndex(first, []byte("data: "))
	answer := fakellm.Raw(string(first[:cut])).Await(gate).Then(string(first[cut:]) + "lo, " + string(rest))
	server := fakellm.New(t, fakellm.Always(answer))
	chat := newChat(t, server.BaseURL(), nil)
	opened := false
	reply, err := chat.Stream(t.Context(), dialogue.Request{}, func(d dialogue.Delta) error {
		if !opened {
			opened = true
			if d.Text != "Hel" {
				t.Errorf("first delta %+v", d)
			}
			close(gate) // only now is the rest sent
		}
		return nil
	})
	if err != nil || !strings.HasPrefix(reply.Message.Content, "Hello") {
		t.Fatalf("%+v, %v", reply, err)
	}
}
