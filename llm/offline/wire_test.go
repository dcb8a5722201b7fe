package offline_test

import (
	"bufio"
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/mark-analyst/mark/internal/dialogue"
	"github.com/mark-analyst/mark/llm"
	"github.com/mark-analyst/mark/llm/offline"
)

const toolsJSON = `[{"type":"function","function":{"name":"list_datasets"}},{"type":"function","function":{"name":"describe_dataset"}},` +
	`{"type":"function","function":{"name":"run_python"}},{"type":"function","function":{"name":"final_answer"}}]`

// streamed is a streamed reply, put together again.
type streamed struct {
	reasoning, text, finish string
	calls                   []toolCall
	usage                   *struct {
		PromptTokens     int `json:"prompt_tokens"`
		CompletionTokens int `json:"completion_tokens"`
		TotalTokens      int `json:"total_tokens"`
	}
	chunks int
	done   bool
}

func readStream(t *testing.T, raw string) streamed {
	t.Helper()
	var out streamed
	lines := bufio.NewScanner(strings.NewReader(raw))
	lines.Buffer(nil, 1<<20)
	for lines.Scan() {
		data, ok := strings.CutPrefix(lines.Text(), "data: ")
		if !ok {
			continue
		}
		if data == "[DONE]" {
			out.done = true
			continue
		}
		var c struct {
			Object  string
			Choices []struct {
				Delta struct {
					Content   string
					Reasoning string `json:"reasoning_content"`
					ToolCalls []struct {
						Index int
						toolCall
					} `json:"tool_calls"`
				}
				FinishReason string `json:"finish_reason"`
			}
			Usage json.RawMessage
		}
		if err := json.Unmarshal([]byte(data), &c); err != nil || c.Object != "chat.completion.chunk" {
			t.Fatalf("chunk %q: %v", data, err)
		}
		out.chunks++
		if len(c.Usage) > 0 {
			if err := json.Unmarshal(c.Usage, &out.usage); err != nil {
				t.Fatal(err)
			}
		}
		for _, choice := range c.Choices {
			out.text += choice.Delta.Content
			out.reasoning += choice.Delta.Reasoning
			out.finish += choice.FinishReason
			for _, piece := range choice.Delta.ToolCalls {
				if piece.Index == len(out.calls) {
					out.calls = append(out.calls, piece.toolCall)
					continue
				}
				out.calls[piece.Index].Function.Arguments += piece.Function.Arguments
			}
		}
	}
	return out
}

func body(question, more string) string {
	raw, _ := json.Marshal(question) // a string
	return `{"model":"x","messages":[{"role":"system","content":"s"},{"role":"user","content":` + string(raw) + `}],"tools":` + toolsJSON + more + `}`
}

func TestStreamedTextComesInPieces(t *testing.T) {
	status, raw := post(t, body("what can you do?", `,"stream":true,"stream_options":{"include_usage":true}`))
	got := readStream(t, raw)
	if status != http.StatusOK || !got.done || got.finish != "stop" || len(got.calls) != 0 {
		t.Fatalf("status %d, finish %q, done %v, %d calls", status, got.finish, got.done, len(got.calls))
	}
	if !strings.Contains(got.text, "offline analyst") || !strings.Contains(got.text, "MARK_LLM_BASE_URL") || got.chunks < 20 {
		t.Errorf("%d chunks of %q", got.chunks, got.text)
	}
	if got.usage == nil || got.usage.CompletionTokens < 100 || got.usage.PromptTokens < 5 || got.usage.TotalTokens != got.usage.PromptTokens+got.usage.CompletionTokens {
		t.Errorf("usage = %+v", got.usage)
	}
	if _, raw := post(t, body("what can you do?", `,"stream":true`)); readStream(t, raw).usage != nil {
		t.Error("usage was streamed though nobody asked for it")
	}
}

func TestStreamedCallsComeInPieces(t *testing.T) {
	_, raw := post(t, body("average body mass", `,"stream":true`))
	got := readStream(t, raw)
	if got.finish != "tool_calls" || len(got.calls) != 1 || got.calls[0].Function.Name != "list_datasets" || got.calls[0].Function.Arguments != "{}" || got.reasoning == "" {
		t.Errorf("got %+v", got)
	}
	if !strings.HasPrefix(got.calls[0].ID, "call_") {
		t.Errorf("the call's id is %q", got.calls[0].ID)
	}
}

func TestAReplyIsAFunctionOfItsRequest(t *testing.T) {
	for _, more := range []string{"", `,"stream":true`} {
		_, a := post(t, body("average body mass", more))
		_, b := post(t, body("average body mass", more))
		if a != b {
			t.Errorf("two replies to one request differ:\n%s\n%s", a, b)
		}
	}
}

func TestALimitOfTokensCutsTheReply(t *testing.T) {
	_, raw := post(t, body("what can you do?", `,"stream":true,"max_tokens":20,"stream_options":{"include_usage":true}`))
	got := readStream(t, raw)
	if got.finish != "length" || got.usage.CompletionTokens > 20 || len(got.text) > 100 {
		t.Errorf("finish %q after %d tokens: %q", got.finish, got.usage.CompletionTokens, got.text)
	}
}

func TestRequestsThatAreRefused(t *testing.T) {
	for name, tt := range map[string]struct {
		body string
		want int
	}{
		"not JSON":       {"{", http.StatusBadRequest},
		"no message":     {`{"messages":[]}`, http.StatusBadRequest},
		"no user":        {`{"messages":[{"role":"system","content":"x"}]}`, http.StatusBadRequest},
		"content number": {`{"messages":[{"role":"user","content":5}]}`, http.StatusBadRequest},
	} {
		status, raw := post(t, tt.body)
		var e struct {
			Error struct{ Message, Type string }
		}
		if err := json.Unmarshal([]byte(raw), &e); err != nil || status != tt.want || e.Error.Message == "" || e.Error.Type == "" {
			t.Errorf("%s: status %d, %s", name, status, raw)
		}
	}
	for _, tt := range []struct {
		method, path string
		want         int
	}{
		{http.MethodGet, "/v1/models", http.StatusOK},
		{http.MethodPost, "/v1/models", http.StatusMethodNotAllowed},
		{http.MethodGet, "/v1/chat/completions", http.StatusMethodNotAllowed},
		{http.MethodPost, "/v1/responses", http.StatusNotFound},
		{http.MethodPost, "/v1/chat/completions", http.StatusBadRequest}, // no body
	} {
		req, err := http.NewRequestWithContext(t.Context(), tt.method, "http://offline.invalid"+tt.path, nil)
		if err != nil {
			t.Fatal(err)
		}
		res, err := offline.New().RoundTrip(req)
		if err != nil {
			t.Fatal(err)
		}
		raw, err := io.ReadAll(res.Body)
		if err != nil || res.StatusCode != tt.want || !json.Valid(raw) {
			t.Errorf("%s %s: status %d, %s, %v", tt.method, tt.path, res.StatusCode, raw, err)
		}
		res.Body.Close()
	}
}

func TestContentInPartsIsRead(t *testing.T) {
	_, raw := post(t, `{"messages":[{"role":"user","content":[{"type":"text","text":"what can"},{"type":"text","text":"you do?"}]}],"tools":`+toolsJSON+`}`)
	if !strings.Contains(raw, "offline analyst") {
		t.Errorf("got %s", raw)
	}
}

func TestAnEndedContextEndsTheStream(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://offline.invalid/v1/chat/completions", bytes.NewReader([]byte(body("help", `,"stream":true`))))
	if err != nil {
		t.Fatal(err)
	}
	res, err := offline.New().RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close()
	first := make([]byte, 1<<16)
	n, err := res.Body.Read(first)
	if err != nil || strings.Count(string(first[:n]), "data: ") != 1 {
		t.Fatalf("the first read took %q, %v; want one event", first[:n], err)
	}
	cancel()
	if _, err := res.Body.Read(first); !errors.Is(err, context.Canceled) {
		t.Errorf("a read after the end of the context: %v", err)
	}
	if _, err := offline.New().RoundTrip(req); !errors.Is(err, context.Canceled) {
		t.Errorf("a request after the end of its context: %v", err)
	}
}

// TestBehindTheAdapter puts the adapter that real models are asked by in front.
func TestBehindTheAdapter(t *testing.T) {
	chat, err := llm.New(llm.Config{
		BaseURL: "http://offline.invalid/v1", Model: offline.Model, HTTPClient: &http.Client{Transport: offline.New()},
	})
	if err != nil {
		t.Fatal(err)
	}
	defer chat.Close()
	ask := func(messages ...dialogue.Message) (dialogue.Reply, int) {
		var tools []dialogue.Tool
		for _, name := range []string{"list_datasets", "describe_dataset", "run_python", "final_answer"} {
			tools = append(tools, dialogue.Tool{Name: name, Schema: json.RawMessage(`{"type":"object"}`)})
		}
		deltas := 0
		reply, err := chat.Stream(t.Context(), dialogue.Request{Messages: messages, Tools: tools}, func(dialogue.Delta) error { deltas++; return nil })
		if err != nil {
			t.Fatal(err)
		}
		return reply, deltas
	}
	reply, deltas := ask(dialogue.Message{Role: dialogue.User, Content: "what can you do?"})
	if reply.Finish != dialogue.FinishStop || !strings.Contains(reply.Message.Content, "offline analyst") || deltas < 20 || reply.Model != offline.Model || reply.Usage.CompletionTokens == 0 {
		t.Errorf("%d deltas, %+v", deltas, reply)
	}
	reply, _ = ask(dialogue.Message{Role: dialogue.User, Content: "average body mass"})
	if reply.Finish != dialogue.FinishToolCalls || len(reply.Message.ToolCalls) != 1 || reply.Message.ToolCalls[0].Name != "list_datasets" || reply.Message.Reasoning == "" {
		t.Errorf("%+v", reply)
	}
}
