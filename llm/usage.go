package llm

import (
	"encoding/json"

	"github.com/mark-analyst/mark/internal/dialogue"
)

// usage reads token counts where a server sends any.
func usage(raw json.RawMessage) (dialogue.Usage, bool) {
	var u struct {
		Prompt       json.RawMessage `json:"prompt_tokens"`
		Completion   json.RawMessage `json:"completion_tokens"`
		Input        json.RawMessage `json:"input_tokens"` // Responses has it under these names
		Output       json.RawMessage `json:"output_tokens"`
		CacheHit     json.RawMessage `json:"prompt_cache_hit_tokens"` // DeepSeek
		PromptIs     cachedTokens    `json:"prompt_tokens_details"`
		InputIs      cachedTokens    `json:"input_tokens_details"`
		CompletionIs reasoningTokens `json:"completion_tokens_details"`
		OutputIs     reasoningTokens `json:"output_tokens_details"`
	}
	if !present(raw) || json.Unmarshal(raw, &u) != nil {
		return dialogue.Usage{}, false
	}
	var out dialogue.Usage
	out.PromptTokens = firstNumber(u.Prompt, u.Input)
	out.CompletionTokens = firstNumber(u.Completion, u.Output)
	out.ReasoningTokens = firstNumber(u.CompletionIs.Count, u.OutputIs.Count)
	out.CachedTokens = firstNumber(u.PromptIs.Count, u.InputIs.Count, u.CacheHit)
	return out, true
}

type cachedTokens struct {
	Count json.RawMessage `json:"cached_tokens"`
}

type reasoningTokens struct {
	Count json.RawMessage `json:"reasoning_tokens"`
}

// firstNumber returns the first of values that is a number.
func firstNumber(values ...json.RawMessage) int {
	for _, v := range values {
		if n, ok := number(v); ok {
			return n
		}
	}
	return 0
}
