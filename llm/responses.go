package llm

import (
	"context"
	"encoding/json"
	"strings"

	openai "github.com/sashabaranov/go-openai"

	"github.com/mark-analyst/mark/internal/dialogue"
)

// responsesFormat is the Responses API. Nothing is stored by the provider
// (store:false, no previous_response_id): each request carries the whole
// conversation, with the endpoint's own items where it wrote any that only it
// can read.
type responsesFormat struct{}

func (responsesFormat) request(req dialogue.Request, q quirks, c *Endpoint) request {
	of := nativeOf(c, req.Model)
	if q.noNative {
		of = ""
	}
	return wireResponses(req, q, of)
}

func (responsesFormat) reader(a *assembler, req dialogue.Request, c *Endpoint) reader {
	return &responsesReader{assembler: a, most: req.MaxTokens, context: c.cfg.ContextTokens, of: nativeOf(c, req.Model)}
}

func (responsesFormat) ends(frame []byte) bool {
	var e event
	return json.Unmarshal(frame, &e) == nil && e.terminal()
}

// nativeOf names what items are good for.
func nativeOf(c *Endpoint, model string) string {
	return strings.Join([]string{string(Responses), c.base.Host, model}, " ")
}

// responsesRequest is a request of the Responses API.
type responsesRequest struct {
	openai.CreateResponseRequest
	native bool // some items are the endpoint's own
}

func (r responsesRequest) open(ctx context.Context, client *openai.Client) (stream, error) {
	return client.CreateResponseStream(ctx, r.CreateResponseRequest)
}

func (r responsesRequest) learn(q quirks, e *serverError) quirks {
	switch {
	case r.MaxOutputTokens > 0 && e.refusesLimit():
		return q.lowered(r.MaxOutputTokens)
	case r.native && e.says("encrypted", "reasoning", "item", "input[", `"input"`, "'input'"):
		q.noNative = true
	case len(r.Include) > 0 && (e.param == "include" || e.says("'include'", `"include"`, "encrypted content", "encrypted_content")):
		q.noInclude = true
	case r.Reasoning != nil && (strings.HasPrefix(e.param, "reasoning") || e.says("reasoning summar", "reasoning.", "'reasoning'", `"reasoning"`)):
		q.noReasoning = true
	case r.Store != nil && (e.param == "store" || e.says(`"store"`, `'store'`)):
		q.noStore = true
	case r.ToolChoice != nil && e.says("tool_choice", "tool choice"):
		q.choice++
	case r.User != "" && e.refusesUser():
		q.noUser = true
	}
	return q
}
