package offline

import (
	"encoding/json"
	"regexp"
	"strings"
)

// conversation is what the analyst reads of a request.
type conversation struct {
	offered map[string]bool
	earlier []exchange
	now     exchange
}

// exchange is a question and what came of it.
type exchange struct {
	question string
	context  string // what the agent put before it: the date, attached files
	calls    []call
}

// call is a tool call with its result.
type call struct {
	tool   string
	args   string
	result string
	done   bool
}

// contextForm is what the agent puts before a question. It must stand at the
// very beginning: what looks like it further down is the person's own text.
var contextForm = regexp.MustCompile(`(?s)^\s*<context>(.*?)</context>\s*`)

func conversationOf(r request) conversation {
	c := conversation{offered: r.offered()}
	var all []exchange
	for _, m := range r.Messages {
		switch m.Role {
		case "user":
			e := exchange{question: string(m.Content)}
			if found := contextForm.FindStringSubmatchIndex(e.question); found != nil {
				e.context = e.question[found[2]:found[3]]
				e.question = e.question[found[1]:]
				all = append(all, unanswered(e.context)...)
			}
			e.question = strings.TrimSpace(e.question)
			all = append(all, e)
		case "assistant":
			if len(all) == 0 {
				continue
			}
			for _, made := range m.ToolCalls {
				last := &all[len(all)-1]
				last.calls = append(last.calls, call{tool: made.Function.Name, args: made.Function.Arguments, result: made.ID})
			}
		case "tool":
			if len(all) > 0 {
				all[len(all)-1].answer(m.ToolCallID, string(m.Content))
				all = append(all[:len(all)-1], goneOn(all[len(all)-1])...)
			}
		}
	}
	c.earlier, c.now = all[:len(all)-1], all[len(all)-1]
	return c
}

// answerForm is how the agent tells what the person has answered to ask_user.
var answerForm = regexp.MustCompile(`(?s)^<answer>\n(.*)\n</answer>$`)

// goneOn is an exchange in which the person was asked back and has answered: the
// answer goes on from the question, as if it had been asked next.
func goneOn(e exchange) []exchange {
	last := len(e.calls) - 1
	if last < 0 || e.calls[last].tool != askUser || !e.calls[last].done {
		return []exchange{e}
	}
	found := answerForm.FindStringSubmatch(e.calls[last].result)
	if found == nil {
		return []exchange{e}
	}
	next := exchange{question: strings.TrimSpace(found[1]), context: e.context, calls: e.calls}
	return []exchange{{question: e.question, context: e.context}, next}
}

// openForm is how the agent tells of a question that a stop or an error left
// without an answer: people go on from it all the same.
var openForm = regexp.MustCompile(`(?m)^Asked before, not answered: (".*")$`)

// unanswered are the questions without an answer that a context tells of.
func unanswered(context string) []exchange {
	var out []exchange
	for _, found := range openForm.FindAllStringSubmatch(context, -1) {
		var question string
		if json.Unmarshal([]byte(found[1]), &question) == nil {
			out = append(out, exchange{question: strings.TrimSpace(question)})
		}
	}
	return out
}

// answer puts a result to its call. Until then the call's result holds its id.
func (e *exchange) answer(id, result string) {
	for i := range e.calls {
		if c := &e.calls[i]; !c.done && c.result == id {
			c.result, c.done = result, true
			return
		}
	}
}

// results returns the results of a tool, the oldest first.
func (e exchange) results(tool string) []call {
	var out []call
	for _, c := range e.calls {
		if c.tool == tool && c.done {
			out = append(out, c)
		}
	}
	return out
}

// code returns the Python of a run_python call.
func (c call) code() string {
	var args struct {
		Code string `json:"code"`
	}
	if json.Unmarshal([]byte(c.args), &args) != nil {
		return ""
	}
	return args.Code
}
