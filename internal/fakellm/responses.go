package fakellm

import (
	"encoding/json"
	"fmt"
	"strings"
)

// responsesPath ends the path of a request in the format of the Responses API.
const responsesPath = "/responses"

// input is the part of a request that Responses has instead of messages.
type input struct {
	Instructions string `json:"instructions"`
	Input        []struct {
		Type      string          `json:"type"`
		Role      string          `json:"role"`
		Content   json.RawMessage `json:"content"`
		CallID    string          `json:"call_id"`
		Name      string          `json:"name"`
		Arguments *string         `json:"arguments"`
		Output    *string         `json:"output"`
	} `json:"input"`
	Tools []struct {
		Name        string          `json:"name"`
		Description string          `json:"description"`
		Parameters  json.RawMessage `json:"parameters"`
	} `json:"tools"`
}

// translate fills in Messages and Tools of a Responses request, so that a script
// reads both formats alike.
func (r *Request) translate() error {
	var in input
	if err := json.Unmarshal(r.Body, &in); err != nil {
		return err
	}
	if in.Instructions != "" {
		r.Messages = append(r.Messages, Message{Role: "system", Content: &in.Instructions})
	}
	for _, item := range in.Input {
		switch item.Type {
		case "function_call":
			call := ToolCall{ID: item.CallID, Type: "function"}
			call.Function.Name, call.Function.Arguments = item.Name, item.Arguments
			if n := len(r.Messages); n > 0 && r.Messages[n-1].Role == "assistant" {
				r.Messages[n-1].ToolCalls = append(r.Messages[n-1].ToolCalls, call)
				continue
			}
			r.Messages = append(r.Messages, Message{Role: "assistant", ToolCalls: []ToolCall{call}})
		case "function_call_output":
			r.Messages = append(r.Messages, Message{Role: "tool", Content: item.Output, ToolCallID: item.CallID})
		case "message":
			r.Messages = append(r.Messages, Message{Role: item.Role, Content: spoken(item.Content)})
		}
	}
	for i, t := range in.Tools {
		f := &r.Tools[i].Function
		f.Name, f.Description, f.Parameters = t.Name, t.Description, t.Parameters
	}
	return nil
}

// spoken is the text of a message, which is a string or a list of parts.
func spoken(raw json.RawMessage) *string {
	var whole string
	if json.Unmarshal(raw, &whole) == nil {
		return &whole
	}
	var parts []struct {
		Text string `json:"text"`
	}
	if json.Unmarshal(raw, &parts) != nil {
		return nil
	}
	for _, p := range parts {
		whole += p.Text
	}
	return &whole
}

// sayResponses is Say in the format of the Responses API.
func sayResponses(parts []Part) string {
	w := &responsesWriter{status: "completed", usage: [3]int{100, 0, 10}}
	w.response("response.created", "in_progress")
	for _, p := range parts {
		switch p.kind {
		case textPart:
			w.text(p.text, "output_text", "delta")
		case refusalPart:
			w.text(p.text, "refusal", "delta")
		case reasoningPart:
			id := w.item("rs", map[string]any{"type": "reasoning", "summary": []any{}}, func(id string) {
				w.event("response.reasoning_summary_text.delta", map[string]any{"item_id": id, "output_index": len(w.output), "summary_index": 0, "delta": p.reasoning})
			})
			w.done(id, map[string]any{"type": "reasoning", "summary": []any{map[string]any{"type": "summary_text", "text": p.reasoning}}})
		case callPart:
			w.call(p)
		case finishPart:
			w.finish(p.finish)
		case usagePart:
			w.usage = p.usage
		}
	}
	w.response("response."+w.status, w.status)
	return w.String()
}

// responsesWriter writes the events of one response.
type responsesWriter struct {
	strings.Builder
	number int
	output []any
	status string
	reason string
	usage  [3]int
}

func (w *responsesWriter) event(kind string, body map[string]any) {
	body["type"], body["sequence_number"] = kind, w.number
	w.number++
	fmt.Fprintf(w, "event: %s\ndata: %s\n\n", kind, marshal(body))
}

func (w *responsesWriter) response(kind, status string) {
	body := map[string]any{"id": "resp_fake", "object": "response", "model": "fake", "status": status, "output": w.output}
	if status != "in_progress" {
		body["usage"] = map[string]any{
			"input_tokens": w.usage[0], "output_tokens": w.usage[2], "total_tokens": w.usage[0] + w.usage[2],
			"input_tokens_details": map[string]any{"cached_tokens": w.usage[1]},
		}
	}
	if w.reason != "" {
		body["incomplete_details"] = map[string]any{"reason": w.reason}
	}
	w.event(kind, map[string]any{"response": body})
}

// item begins an item, and has its pieces written.
func (w *responsesWriter) item(prefix string, item map[string]any, pieces func(id string)) string {
	id := fmt.Sprintf("%s_%d", prefix, len(w.output))
	item["id"] = id
	w.event("response.output_item.added", map[string]any{"output_index": len(w.output), "item": item})
	pieces(id)
	return id
}

func (w *responsesWriter) done(id string, item map[string]any) {
	item["id"], item["status"] = id, "completed"
	w.event("response.output_item.done", map[string]any{"output_index": len(w.output), "item": item})
	w.output = append(w.output, item)
}

func (w *responsesWriter) text(s, kind, field string) {
	id := w.item("msg", map[string]any{"type": "message", "role": "assistant", "content": []any{}}, func(id string) {
		for _, word := range strings.SplitAfter(s, " ") {
			w.event("response."+kind+".delta", map[string]any{"item_id": id, "output_index": len(w.output), "content_index": 0, field: word})
		}
	})
	part := map[string]any{"type": kind, "text": s}
	if kind == "refusal" {
		part = map[string]any{"type": kind, "refusal": s}
	}
	w.done(id, map[string]any{"type": "message", "role": "assistant", "content": []any{part}})
}

func (w *responsesWriter) call(p Part) {
	item := func(arguments string) map[string]any {
		return map[string]any{"type": "function_call", "call_id": p.id, "name": p.name, "arguments": arguments}
	}
	id := w.item("fc", item(""), func(id string) {
		for _, piece := range pieces(p.args) {
			w.event("response.function_call_arguments.delta", map[string]any{"item_id": id, "output_index": len(w.output), "delta": piece})
		}
		w.event("response.function_call_arguments.done", map[string]any{"item_id": id, "output_index": len(w.output), "arguments": p.args})
	})
	w.done(id, item(p.args))
}

// finish puts a finish_reason of Chat Completions into Responses' words.
func (w *responsesWriter) finish(reason string) {
	switch reason {
	case "length":
		w.status, w.reason = "incomplete", "max_output_tokens"
	case "content_filter":
		w.status, w.reason = "incomplete", "content_filter"
	}
}
