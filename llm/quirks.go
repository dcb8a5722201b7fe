package llm

import (
	"net/http"
	"strings"
	"sync"

	openai "github.com/sashabaranov/go-openai"
)

// quirks are the parts of the protocol that one model's server was found to
// refuse. They are learnt from its 400 and 422 answers, so that no list of
// servers has to be kept.
type quirks struct {
	noUsage    bool // stream_options is not known
	newLimit   bool // max_completion_tokens instead of max_tokens
	oldLimit   bool // the reverse
	noThinking bool // tools only with reasoning off
	noUser     bool
	choice     int // 0: as asked; 1: "required" for a named tool; 2: none
}

// quirkBook keeps what was learnt, by model. The models are those of the
// configuration, a handful.
type quirkBook struct {
	mu sync.Mutex
	of map[string]quirks // guarded by mu
}

func (b *quirkBook) get(model string) quirks {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.of[model]
}

func (b *quirkBook) put(model string, q quirks) {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.of == nil {
		b.of = map[string]quirks{}
	}
	b.of[model] = q
}

// learn returns the quirks with what e teaches about sent, and whether that is
// anything new: then the request is worth sending once more.
func (q quirks) learn(e *serverError, sent openai.ChatCompletionRequest) (quirks, bool) {
	if e == nil || (e.status != http.StatusBadRequest && e.status != http.StatusUnprocessableEntity) {
		return q, false
	}
	before := q
	switch {
	case sent.StreamOptions != nil && e.says("stream_options", "include_usage"):
		q.noUsage = true
	case sent.MaxTokens > 0 && !q.oldLimit && e.says("max_completion_tokens"): //nolint:staticcheck // deprecated by OpenAI; most other servers know no other
		q.newLimit = true
	case sent.MaxCompletionTokens > 0 && !q.newLimit && e.says("max_completion_tokens"):
		q.oldLimit = true
	case len(sent.Tools) > 0 && sent.ReasoningEffort == "" && e.says("reasoning_effort"):
		q.noThinking = true
	case sent.ToolChoice != nil && e.says("tool_choice", "tool choice"):
		q.choice++
	case sent.User != "" && (e.param == "user" || e.says(`"user"`, `'user'`)):
		q.noUser = true
	}
	return q, q != before
}

// wantsNewLimit tells whether a model is of the kind that refuses max_tokens;
// go-openai refuses it too, before anything is sent.
func wantsNewLimit(model string) bool {
	for _, family := range []string{"o1", "o3", "o4", "gpt-5", "gpt-6"} {
		if strings.HasPrefix(model, family) {
			return true
		}
	}
	return false
}
