package llm

import (
	"fmt"
	"net/http"

	"github.com/mark-analyst/mark/internal/dialogue"
)

// classify turns what a server said into a code, a sentence and a decision
// about asking again.
func (c *Endpoint) classify(e *serverError, model string) *failure {
	f := &failure{detail: e.Error(), retryAfter: e.retryAfter, rejected: e}
	set := func(code dialogue.Code, retry retryClass, format string, args ...any) *failure {
		f.code, f.retry, f.message = code, retry, fmt.Sprintf(format, args...)
		return f
	}
	host := c.base.Host
	key, base := c.cfg.setting(settingKey), c.cfg.setting(settingBaseURL)
	switch {
	case e.tooLong():
		return set(dialogue.CodeTooLong, retryNever, "The conversation is too long for the model. Start a new chat, or ask with less in it.")
	case e.says("content_filter", "content_policy", "responsibleaipolicyviolation", "content management policy"):
		return set(dialogue.CodeRefused, retryNever, "The model's provider did not let this question through its content filter. Ask in another way.")
	case e.status == http.StatusUnauthorized, e.says("invalid_api_key", "api key not valid", "api_key_invalid"):
		return set(dialogue.CodeAuth, retryNever, "The model's endpoint at %s refused the key (%d). Check %s.", host, e.status, key)
	case e.status == http.StatusForbidden:
		return set(dialogue.CodeAuth, retryNever, "The model's endpoint at %s refused access (403). Check that the key in %s may use the model %s.", host, key, model)
	case e.status == http.StatusPaymentRequired, e.says("insufficient_quota", "insufficient balance", "billing_hard_limit"):
		return set(dialogue.CodeRateLimited, retryNever, "The account at %s has no credit left (%d). Add credit with the provider, or set %s to another key.", host, e.status, key)
	case e.status == http.StatusTooManyRequests:
		return set(dialogue.CodeRateLimited, retryMore, "The model's endpoint at %s has too many requests at the moment (429). Try again in a little while.", host)
	case e.status == http.StatusNotFound || e.says("model_not_found"):
		return set(dialogue.CodeNotFound, retryNever, "The model's endpoint at %s knows no such model or path (%d). Check %s (%s) and %s, which often ends in /v1%s.", host, e.status, c.cfg.setting(settingModel), model, base, c.otherFormat())
	case e.status == http.StatusRequestTimeout, e.status == http.StatusTooEarly, e.status == http.StatusConflict, e.status >= 500 && e.status < 600:
		return set(dialogue.CodeUnavailable, retryMore, "The model's endpoint at %s is not working at the moment (%d). Try again in a little while.", host, e.status)
	case e.status >= 300 && e.status < 400:
		return set(dialogue.CodeNotFound, retryNever, "The model's endpoint at %s redirects elsewhere (%d). Set %s to the address it redirects to.", host, e.status, base)
	case e.status >= 400 && e.status < 500:
		return set(dialogue.CodeBadRequest, retryNever, "The model's endpoint at %s did not accept the request (%d). It may not support tools or streaming; the server's log has its reason.", host, e.status)
	case e.html:
		return set(dialogue.CodeBadReply, retryNever, "The address %s answers with a web page instead of a model's reply. Check %s, which often ends in /v1.", host, base)
	}
	// An error inside a stream that carries no status of its own.
	switch {
	case e.says("rate_limit", "rate limit", "too many requests"):
		return set(dialogue.CodeRateLimited, retryMore, "The model's endpoint at %s has too many requests at the moment. Try again in a little while.", host)
	case e.says("overloaded", "server_error", "internal", "unavailable", "timeout"):
		return set(dialogue.CodeUnavailable, retryMore, "The model's endpoint at %s is not working at the moment. Try again in a little while.", host)
	}
	return set(dialogue.CodeBadReply, retryMore, "The model's endpoint at %s reported an error in the middle of its reply. Try again.", host)
}

// refusesTools tells an endpoint that takes no tools for a model: Ollama,
// OpenRouter (404) and vLLM say so in their own words.
func (e *serverError) refusesTools() bool {
	switch e.status {
	case http.StatusBadRequest, http.StatusNotFound, http.StatusUnprocessableEntity, http.StatusNotImplemented:
	default:
		return false
	}
	return e.param == "tools" || e.says(
		"support tool", "support function", "supports tool", "tool use", "tool calling", "function calling", "tool-call-parser",
		"tools are not", "tools is not", "'tools'", `"tools"`, "`tools`", "supplied: tools",
	)
}

// otherFormat is a hint for an endpoint that lacks the path: few offer Responses.
func (c *Endpoint) otherFormat() string {
	if c.cfg.Format == Chat {
		return ""
	}
	return "; not every endpoint offers Responses: " + c.cfg.setting(settingFormat) + " can be chat"
}

// tooLong tells a context overflow. OpenAI names it by code, llama.cpp by type,
// others only in words; a 413 is the same to a person.
func (e *serverError) tooLong() bool {
	if e.status == http.StatusRequestEntityTooLarge {
		return true
	}
	if e.status != 0 && e.status != http.StatusBadRequest && e.status != http.StatusUnprocessableEntity && e.status < 500 {
		return false
	}
	return e.says(
		"context_length_exceeded", "exceed_context_size", "maximum context length", "context length", "context size",
		"context window", "prompt is too long", "input is too long", "input token count", "too many tokens",
	)
}
