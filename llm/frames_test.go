package llm

import (
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"testing/iotest"

	"github.com/google/go-cmp/cmp"

	"github.com/mark-analyst/mark/internal/dialogue"
	"github.com/mark-analyst/mark/internal/fakellm"
)

func TestFrames(t *testing.T) {
	for _, tc := range []struct{ name, in, want string }{
		{"plain", "data: {\"a\":1}\n\ndata: [DONE]\n\n", "data: { \"a\":1}\ndata: [DONE]\n"},
		{"an error is not the end for go-openai", "data: {\"error\":\"x\"}\n\n", "data: { \"error\":\"x\"}\n"},
		{"comments and fields", ": c\nid: 1\nretry: 2\nevent: m\nfoo\ndata: {}\n\n", "data: { }\n"},
		{"several lines", "data: {\"a\":\ndata: 1}\n\n", "data: { \"a\": 1}\n"},
		{"several lines at the end", "data: {\"a\":\ndata: 1}", "data: { \"a\": 1}\n"},
		{"no empty lines", "data: {}\ndata: {}\n", "data: { }\ndata: { }\n"},
		{"an error event", "event: error\ndata: {\"message\":\"x\"}\n\ndata: {}\n\n", "data: { \"error\":{\"message\":\"x\"}}\ndata: { }\n"},
		{"an error event of words", "event: error\ndata: no luck\n\n", "data: { \"error\":\"no luck\"}\n"},
		{"an error event with an error", "event: error\ndata: {\"error\":1}\n\n", "data: { \"error\":1}\n"},
		{"an error field", "error: {\"code\":500}\n\n", "data: { \"error\":{\"code\":500}}\n"},
		{"bare JSON among lines", ": c\n{\"error\":1}\n", "data: { \"error\":1}\n"},
		{"one document", "{\n \"a\": 1\n}\n", "data: {   \"a\": 1 }\n"},
		{"not JSON", "data: oops\n\n", "data: oops\n"},
		{"words", "It works!\n", "data: It works!\n"},
		{"words beside frames", "It works!\ndata: {}\n", "data: { }\n"},
	} {
		t.Run(tc.name, func(t *testing.T) {
			for _, r := range []io.Reader{strings.NewReader(tc.in), iotest.OneByteReader(strings.NewReader(tc.in))} {
				got, err := io.ReadAll(newFrames(r, 1000))
				if err != nil {
					t.Fatal(err)
				}
				if diff := cmp.Diff(tc.want, string(got)); diff != "" {
					t.Error(diff)
				}
			}
		})
	}
}

// FuzzStream holds the whole reading of a stream to what it promises for any
// bytes: it ends, in a reply or a *dialogue.Error; the deltas tell what the
// reply says; and how the bytes arrive makes no difference.
func FuzzStream(f *testing.F) {
	for _, s := range []string{
		"", "data: {}\n\n", hello + stop, hello + hello + stop + stop, hello, "{\"choices\":[{\"message\":{\"content\":\"x\"},\"finish_reason\":\"stop\"}]}",
		"data: {\"choices\":[{\"delta\":{\"tool_calls\":[{\"id\":\"a\",\"function\":{\"name\":\"run_python\",\"arguments\":\"{}{\\\"a\\\":1}\"}}]},\"finish_reason\":\"tool_calls\"}]}\n\n",
		"data: {\"choices\":[{\"delta\":{\"content\":[{\"type\":\"thinking\",\"thinking\":\"x\"}],\"refusal\":\"no\"},\"finish_reason\":\"length\"}],\"usage\":{\"prompt_tokens\":1e9}}\n\n",
		"event: error\ndata: {\"message\":\"x\"}\n\n", "data: {\"error\":{\"code\":\"429\"}}\n\n",
		"data: {\"choices\":[{\"delta\":{\"content\":\"```json\\n{\\\"name\\\": \\\"run_python\\\"\"},\"finish_reason\":\"stop\"}]}\n\n",
	} {
		f.Add([]byte(s), uint16(7), false)
	}
	for _, s := range []string{
		"data: {\"type\":\"response.output_item.done\",\"item\":{\"type\":\"function_call\",\"call_id\":\"a\",\"name\":\"run_python\",\"arguments\":\"{}{\\\"a\\\":1}\"}}\n\ndata: {\"type\":\"response.completed\",\"response\":{\"output\":[]}}\n\n",
		"data: {\"type\":\"response.output_text.delta\",\"item_id\":\"m\",\"delta\":\"x\"}\n\ndata: {\"type\":\"response.output_text.done\",\"item_id\":\"m\",\"text\":\"xy\"}\n\n",
		"data: {\"type\":\"response.reasoning_summary_text.delta\",\"summary_index\":1,\"delta\":\"x\"}\n\ndata: {\"type\":\"response.incomplete\",\"response\":{\"incomplete_details\":{\"reason\":\"max_output_tokens\"}}}\n\n",
		"{\"object\":\"response\",\"output\":[{\"type\":\"message\",\"content\":[{\"type\":\"refusal\",\"refusal\":\"no\"}]}]}",
	} {
		f.Add([]byte(s), uint16(7), true)
	}
	f.Fuzz(func(t *testing.T, body []byte, at uint16, responses bool) {
		format := Chat
		if responses {
			format = Responses
		}
		req := transcript{}.request()
		ask := func(at int) outcome {
			made := 0
			chat, err := New(Config{
				BaseURL: "http://x.invalid/v1", Model: "m", MaxRetries: -1, APIKey: "sk-test-SECRET", Format: format,
				NewCallID: func() string { made++; return fmt.Sprint("made-", made) },
				HTTPClient: doer(func(*http.Request) (*http.Response, error) {
					return &http.Response{StatusCode: 200, Header: http.Header{}, Body: &splitBody{left: body, at: at, end: io.EOF}}, nil
				}),
			})
			if err != nil {
				t.Fatal(err)
			}
			var shown strings.Builder
			reply, err := chat.Stream(t.Context(), req, func(d dialogue.Delta) error {
				shown.WriteString(d.Text)
				return nil
			})
			var e *dialogue.Error
			if err != nil && !errors.As(err, &e) {
				t.Fatalf("not a *dialogue.Error: %v", err)
			}
			if shown.String() != reply.Message.Content {
				t.Errorf("deltas say %q, the reply %q", shown.String(), reply.Message.Content)
			}
			ids := map[string]bool{}
			for _, c := range reply.Message.ToolCalls {
				if c.ID == "" || ids[c.ID] {
					t.Errorf("ids of %+v", reply.Message.ToolCalls)
				}
				ids[c.ID] = true
			}
			if err == nil && (reply.Finish == dialogue.FinishToolCalls) != (len(reply.Message.ToolCalls) > 0) {
				t.Errorf("finish %q with %d calls", reply.Finish, len(reply.Message.ToolCalls))
			}
			o := outcome{Text: reply.Message.Content, Reasoning: reply.Message.Reasoning, Calls: reply.Message.ToolCalls, Finish: reply.Finish}
			if e != nil {
				o.Error, o.Says = e.Code, e.Message
			}
			return o
		}
		whole := ask(len(body) + 1)
		if cut := ask(int(at) % (len(body) + 1)); !cmp.Equal(whole, cut) {
			t.Error(cmp.Diff(whole, cut))
		}
	})
}

// TestFrameOfManyParts: what a frame is full of is put together once, not for each
// part. Beside the text itself each part costs what reading it does.
func TestFrameOfManyParts(t *testing.T) {
	for format, around := range map[Format][2]string{
		Chat:      {`{"choices":[{"delta":{"content":[`, `]},"finish_reason":"stop"}]}`},
		Responses: {`{"type":"response.completed","response":{"output":[{"type":"message","content":[`, `]}]}}`},
	} {
		const parts, size = 20_000, 100
		part := `{"type":"text","text":"` + strings.Repeat("x", size) + `"}`
		body := "data: " + around[0] + part + strings.Repeat(","+part, parts-1) + around[1] + "\n\n"
		chat := newChat(t, fakellm.New(t, fakellm.Always(fakellm.Raw(body))).BaseURL(), func(cfg *Config) { cfg.Format = format })
		var before, after runtime.MemStats
		runtime.ReadMemStats(&before)
		reply, err := chat.Stream(t.Context(), dialogue.Request{}, discard)
		runtime.ReadMemStats(&after)
		if err != nil || len(reply.Message.Content) != parts*size {
			t.Errorf("%s: %d bytes, %v", format, len(reply.Message.Content), err)
		}
		if took := (after.TotalAlloc - before.TotalAlloc) / uint64(len(body)); took > 200 {
			t.Errorf("%s: %d bytes of memory for each byte of the frame", format, took)
		}
	}
}
