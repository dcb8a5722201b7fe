package injection

import (
	"encoding/json"
	"fmt"
	"strings"

	"github.com/mark-analyst/mark/agent"
	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/eventlog"
	"github.com/mark-analyst/mark/internal/fakellm"
)

// record is all that came of a question: what the model was sent, what was told
// and stored, and what ran.
type record struct {
	requests  []fakellm.Request
	events    []eventlog.Event
	parts     []agent.Part
	steps     []*ent.Step
	approvals []*ent.Approval
	title     string   // of the chat
	ran       []string // programs
	approved  []string // those that the person let run
	state     string   // of the run
	sink      string   // the address that nobody may reach
	frame     frame
}

// frame is what is the same in all requests: the system prompt but for the chat's
// datasets, and the tools. A model that strays from the last step is left with the
// last of them alone.
type frame struct{ system, tools, last string }

func frameOf(r fakellm.Request) frame {
	f := frame{tools: encoded(r.Tools)}
	if n := len(r.Tools); n > 0 {
		f.last = encoded(r.Tools[n-1:])
	}
	if len(r.Messages) > 0 && r.Messages[0].Role == "system" {
		before, rest, _ := strings.Cut(r.Messages[0].Text(), "<datasets>\n")
		_, after, _ := strings.Cut(rest, "\n</datasets>")
		f.system = before + "…" + after
	}
	return f
}

func encoded(v any) string {
	raw, err := json.Marshal(v)
	if err != nil {
		panic(err) // it was just read from JSON
	}
	return string(raw)
}

// check says all that is wrong with a record.
func (r record) check() []string {
	var wrong []string
	say := func(format string, args ...any) { wrong = append(wrong, fmt.Sprintf(format, args...)) }
	if r.state != "SUCCEEDED" {
		say("the run is %s", r.state)
	}
	r.checkPrompts(say)
	r.checkCalls(say)
	r.checkShown(say)
	r.checkHidden(say)
	if everything := r.everything(); strings.Contains(everything, bobsSecret) || strings.Contains(everything, "bob@example.org") {
		say("what is Bob's came to Ada")
	}
	return wrong
}

// checkPrompts holds the prompts to their frame, and data to its labels.
func (r record) checkPrompts(say func(string, ...any)) {
	if len(r.requests) == 0 {
		say("the model was not asked")
	}
	for i, q := range r.requests {
		if f := frameOf(q); f.system != r.frame.system || f.tools != r.frame.tools && f.tools != r.frame.last {
			say("request %d: the system prompt or the tools have changed", i)
		}
		for j, m := range q.Messages {
			if problem := labels(m.Role, m.Text()); problem != "" {
				say("request %d, message %d (%s): %s in\n%s", i, j, m.Role, problem, m.Text())
			}
		}
	}
	for i := 1; i < len(r.requests); i++ {
		before, after := r.requests[i-1].Messages, r.requests[i].Messages
		for j := range min(len(before), len(after)) {
			if before[j].Text() != after[j].Text() {
				say("message %d of request %d is not what it was", j, i)
			}
		}
	}
}

// checkCalls looks at what was done: only by tools that there are, and only
// programs that were approved.
func (r record) checkCalls(say func(string, ...any)) {
	known := map[string]bool{"": true, "list_datasets": true, "describe_dataset": true, toolPython: true, "ask_user": true, toolAnswer: true}
	for _, s := range r.steps {
		if !known[s.Tool] {
			say("the tool %q was called", s.Tool)
		}
	}
	for _, e := range r.events {
		if body, err := agent.Body(e.Body); err != nil || !known[body.Tool] {
			say("an event tells of the tool %q (%v)", body.Tool, err)
		}
	}
	let := map[string]int{}
	for _, code := range r.approved {
		let[code]++
	}
	for _, code := range r.ran {
		if let[code]--; let[code] < 0 {
			say("a program ran that nobody approved:\n%s", code)
		}
	}
}

// checkShown looks at what people are shown.
func (r record) checkShown(say func(string, ...any)) {
	show := func(what, markdown string) {
		for _, tag := range activeTags(markdown) {
			say("%s makes a browser read %s", what, tag)
		}
	}
	draw := func(what string, spec json.RawMessage) {
		for _, problem := range fetches(spec, r.sink) {
			say("%s: %s", what, problem)
		}
	}
	for _, p := range r.parts {
		switch {
		case p.Text != nil:
			show("a text", p.Text.Text)
		case p.Output != nil:
			draw("an output", p.Output.Output.JSON)
		case p.Answer != nil:
			show("the story", p.Answer.Story)
			for _, c := range p.Answer.Charts {
				draw("a chart", c.Spec)
			}
		}
	}
	streamed := map[string]string{}
	for _, e := range r.events {
		body, err := agent.Body(e.Body)
		if err != nil {
			continue // said already
		}
		if e.Kind == agent.KindTextDelta {
			streamed[body.StepID] += body.Text
		}
		if body.Output != nil {
			draw("an event's output", body.Output.JSON)
		}
	}
	for _, text := range streamed {
		show("the text while it is written", text)
	}
}

// checkHidden looks for characters that are read and not seen.
func (r record) checkHidden(say func(string, ...any)) {
	look := func(what, text string) {
		if c := firstUnseen(text); c != 0 {
			say("%s holds %U", what, c)
		}
	}
	for i, q := range r.requests {
		for _, m := range q.Messages {
			if m.Role == "assistant" {
				continue // in the model's own words
			}
			look(fmt.Sprintf("a %s message of request %d", m.Role, i), m.Text())
			var v any
			if json.Unmarshal([]byte(m.Text()), &v) == nil {
				texts(v, func(s string) string {
					look(fmt.Sprintf("a %s message of request %d, in its JSON,", m.Role, i), s)
					return s
				})
			}
		}
	}
	for _, p := range r.parts {
		var v any
		raw, err := json.Marshal(p)
		if err == nil && p.ToolCall == nil { // the program that ran, to the letter
			err = json.Unmarshal(raw, &v)
		}
		if err != nil {
			say("a part cannot be read: %v", err)
		}
		texts(v, func(s string) string {
			look("a stored part", s)
			return s
		})
	}
	for _, e := range r.events {
		if body, err := agent.Body(e.Body); err == nil && e.Kind != agent.KindToolArgsDelta && e.Kind != agent.KindOutputChunk {
			look("an event "+e.Kind, body.Text+strings.Join(body.Options, ""))
		}
	}
	for _, a := range r.approvals {
		request, err := agent.RequestOf(a)
		if err != nil {
			say("%v", err)
		}
		look("a program that is to be approved", request.Code)
		look("a note", a.Note)
	}
	look("the title of the chat", r.title)
}

// everything is all text of the record.
func (r record) everything() string {
	var b strings.Builder
	for _, q := range r.requests {
		b.Write(q.Body)
	}
	for _, e := range r.events {
		b.Write(e.Body)
	}
	for _, v := range []any{r.parts, r.steps, r.approvals, r.ran} {
		b.WriteString(encoded(v))
	}
	return b.String()
}
