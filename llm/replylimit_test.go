package llm

import (
	"encoding/json"
	"fmt"
	"net/http"
	"slices"
	"testing"

	"github.com/mark-analyst/mark/internal/dialogue"
	"github.com/mark-analyst/mark/internal/fakellm"
)

// limitsOf are the limits that requests had, 0 where there was none.
func limitsOf(t *testing.T, requests []fakellm.Request) (all []int) {
	t.Helper()
	for _, r := range requests {
		var sent struct {
			Old int `json:"max_tokens"`
			New int `json:"max_completion_tokens"`
			Out int `json:"max_output_tokens"`
		}
		if err := json.Unmarshal(r.Body, &sent); err != nil {
			t.Fatal(err)
		}
		all = append(all, sent.Old+sent.New+sent.Out)
	}
	return all
}

// A limit that is more than the server takes is halved until it is taken, once for
// all, whatever the words of the refusal are; one that is never taken is left out.
func TestALimitThatIsTooLarge(t *testing.T) {
	for name, refusal := range map[string]string{
		"OpenAI":    `{"error":{"message":"max_tokens is too large: %d. This model supports at most 4096 completion tokens, whereas you provided %[1]d.","param":"max_tokens"}}`,
		"vLLM":      `{"object":"error","message":"'max_tokens' or 'max_completion_tokens' is too large: %d. This model's maximum context length is 8192 tokens and your request has 500 input tokens.","type":"BadRequestError","code":400}`,
		"older":     `{"error":{"message":"This model's maximum context length is 8192 tokens. However, you requested %d tokens (4000 in the messages, 4192 in the completion).","code":"context_length_exceeded"}}`,
		"DeepSeek":  `{"error":{"message":"Invalid max_tokens value, the valid range of max_tokens is [1, 8192] (%d)"}}`,
		"Groq":      "{\"error\":{\"message\":\"`max_tokens` must be less than or equal to `8192`, the maximum value (%d)\"}}",
		"Anthropic": `{"error":{"message":"max_tokens: %d > 8192, which is the maximum allowed number of output tokens"}}`,
		"Responses": `{"error":{"message":"Invalid 'max_output_tokens': integer above maximum value. Expected a value <= 8192, but got %d instead.","param":"max_output_tokens"}}`,
	} {
		for _, format := range []Format{Chat, Responses} {
			t.Run(fmt.Sprint(name, " ", format), func(t *testing.T) {
				takes := 4500
				server := fakellm.New(t, func(r fakellm.Request) fakellm.Answer {
					if limit := limitsOf(t, []fakellm.Request{r})[0]; limit > takes || takes == 0 && limit > 0 {
						return fakellm.Fail(http.StatusBadRequest, fmt.Sprintf(refusal, limit))
					}
					return fakellm.Say(fakellm.Text("Hi"))
				})
				model := newChat(t, server.BaseURL(), func(cfg *Config) { cfg.Format = format })
				for _, asked := range []int{16_000, 16_000, 3_000} {
					if _, err := model.Stream(t.Context(), dialogue.Request{MaxTokens: asked}, discard); err != nil {
						t.Fatal(err)
					}
				}
				if got, want := limitsOf(t, server.Requests()), []int{16_000, 8_000, 4_000, 4_000, 3_000}; !slices.Equal(got, want) {
					t.Errorf("the limits were %v, want %v", got, want)
				}
				takes = 0
				for range 2 {
					if _, err := model.Stream(t.Context(), dialogue.Request{MaxTokens: 16_000}, discard); err != nil {
						t.Fatal(err)
					}
				}
				if got, want := limitsOf(t, server.Requests())[5:], []int{4_000, 2_000, 0, 0}; !slices.Equal(got, want) {
					t.Errorf("and then %v, want %v", got, want)
				}
			})
		}
	}
}

// A prompt that is too long is not taken for a limit that is.
func TestATooLongPromptIsNoLimit(t *testing.T) {
	server := fakellm.New(t, fakellm.Always(fakellm.Fail(http.StatusBadRequest,
		`{"error":{"message":"This model's maximum context length is 8192 tokens. However, your messages resulted in 9000 tokens.","code":"context_length_exceeded"}}`)))
	_, err := newChat(t, server.BaseURL(), nil).Stream(t.Context(), dialogue.Request{MaxTokens: 16_000}, discard)
	if n := len(server.Requests()); codeOf(err) != dialogue.CodeTooLong || n != 1 {
		t.Errorf("%v after %d requests", err, n)
	}
}

// What is configured bounds what is asked for.
func TestAConfiguredLimit(t *testing.T) {
	server := fakellm.New(t, fakellm.Always(fakellm.Say(fakellm.Text("Hi"))))
	model := newChat(t, server.BaseURL(), func(cfg *Config) { cfg.ReplyTokens = 2_000 })
	for _, asked := range []int{0, 1_000, 3_000} {
		if _, err := model.Stream(t.Context(), dialogue.Request{MaxTokens: asked}, discard); err != nil {
			t.Fatal(err)
		}
	}
	if got := limitsOf(t, server.Requests()); !slices.Equal(got, []int{2_000, 1_000, 2_000}) {
		t.Errorf("the limits were %v", got)
	}
}
