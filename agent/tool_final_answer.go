package agent

import (
	"context"
	"encoding/json"
	"strings"

	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/step"
	"github.com/mark-analyst/mark/internal/dialogue"
	"github.com/mark-analyst/mark/internal/markdown"
	"github.com/mark-analyst/mark/internal/untrusted"
)

// maxRefusals is how many final answers are sent back for repair; the next one
// is taken as text.
const maxRefusals = 1

// maxClaimed is how much of the outputs that claims name is kept beside them,
// bytes: clients need not look for what they show there.
const maxClaimed = 2 << 20

// finalArgs are the arguments of final_answer.
type finalArgs struct {
	Story  string `json:"story"`
	Claims []struct {
		Text     string   `json:"text"`
		Evidence []string `json:"evidence"`
	} `json:"claims"`
	Charts    []named  `json:"charts"`
	Tables    []named  `json:"tables"`
	FollowUps []string `json:"followUps"`
	Caveats   []string `json:"caveats"`
}

type named struct {
	Title  string `json:"title"`
	Output string `json:"output"`
}

func finalAnswer(_ context.Context, k *work, s *ent.Step, args map[string]any) (callEnd, error) {
	var f finalArgs
	if err := json.Unmarshal(encode(args), &f); err != nil || strings.TrimSpace(untrusted.Clean(f.Story)) == "" {
		return k.refuseAnswer(dialogue.ToolCall{}, "The story is empty."), nil //nolint:nilerr // the model is told
	}
	answer := k.compose(f)
	told, end, err := k.doubt(s, answer)
	if err != nil || told != "" {
		return end, err
	}
	k.answer = answer
	return callEnd{state: step.StateSucceeded, result: "(answered)"}, nil
}

// refuseAnswer sends a final answer back once; a second bad one is taken for
// what can be read of it.
func (k *work) refuseAnswer(c dialogue.ToolCall, problem string) callEnd {
	if k.rejected++; k.rejected <= maxRefusals {
		return failed("FINAL_ANSWER_INVALID", problem+" Call final_answer again, mended.")
	}
	k.answer = k.salvage(dialogue.Message{ToolCalls: []dialogue.ToolCall{c}})
	return callEnd{state: step.StateSucceeded, result: "(answered)"}
}

// salvage makes an answer of a reply that does not give one as agreed: the
// story in a call's arguments where there is one, else what the reply says, else
// what the steps showed.
func (k *work) salvage(m dialogue.Message) *Answer {
	for _, c := range m.ToolCalls {
		if story := (&storyReader{}).read(c.Arguments); strings.TrimSpace(story) != "" {
			return k.direct(story, true)
		}
	}
	if strings.TrimSpace(m.Content) != "" {
		return k.direct(m.Content, true)
	}
	return k.direct(k.prompts.text(promptNoStory), true)
}

// direct is an answer in plain text. Where Python ran, its charts and tables
// belong to it.
func (k *work) direct(text string, unstructured bool) *Answer {
	a := k.compose(finalArgs{Story: text})
	if unstructured {
		a.Checks = append(a.Checks, Check{CheckUnstructured, "The model did not give its answer in the agreed form; it is shown as far as it could be read."})
	}
	return a
}

// compose makes the answer: names become outputs, charts that were made and not
// named are added, and numbers without evidence are flagged.
func (k *work) compose(f finalArgs) *Answer {
	a := &Answer{
		Story:  markdown.Clean(untrusted.Clean(f.Story)),
		Charts: []AnswerChart{}, Tables: []AnswerTable{}, Claims: []Claim{},
		FollowUps: lines(f.FollowUps), Caveats: lines(f.Caveats), Checks: []Check{},
	}
	missing := func(name string) {
		a.Checks = append(a.Checks, Check{CheckNoOutput, "The answer names " + string(encode(clip(untrusted.Line(name), 60))) + ", which no step has made."})
	}
	used := map[string]bool{}
	for _, n := range f.Charts {
		e, ok := k.evidence.find(n.Output)
		switch {
		case !ok || e.Output == nil || !e.Output.isChart():
			missing(n.Output)
		case !used[e.Path]:
			used[e.Path] = true
			a.Charts = append(a.Charts, chartOf(n.Title, *e.Output))
		}
	}
	for _, n := range f.Tables {
		e, ok := k.evidence.find(n.Output)
		switch {
		case !ok || e.Output == nil || e.Output.Table == nil:
			missing(n.Output)
		case !used[e.Path]:
			used[e.Path] = true
			a.Tables = append(a.Tables, tableOf(n.Title, *e.Output))
		}
	}
	k.addUnnamed(a, used, len(f.Tables) == 0)
	room := maxClaimed
	for _, c := range f.Claims {
		claim := Claim{Text: untrusted.Line(c.Text), Evidence: []Evidence{}}
		for _, name := range c.Evidence {
			e, ok := k.evidence.find(name)
			if !ok {
				missing(name)
				continue
			}
			// The same outputs can be named a thousand times over.
			if size := len(encode(e.Output)); size <= room {
				room -= size
			} else {
				e.Output = nil // its step has it
			}
			claim.Evidence = append(claim.Evidence, e)
		}
		a.Claims = append(a.Claims, claim)
	}
	a.Checks = append(a.Checks, k.evidence.checkNumbers(a.Story, k.question())...)
	return a
}

// addUnnamed adds what was made for the answer and is not named in it: people
// who saw a chart being drawn look for it there. A chart that a later step drew
// again under the same title replaces the earlier one.
func (k *work) addUnnamed(a *Answer, used map[string]bool, tables bool) {
	byTitle := map[string]int{}
	for i, c := range a.Charts {
		byTitle[c.Title] = i
	}
	for _, e := range k.evidence.list {
		if used[e.Path] || e.Output == nil {
			continue
		}
		switch {
		case e.Output.isChart():
			chart := chartOf("", *e.Output)
			if _, ok := byTitle[chart.Title]; ok && chart.Title != "" {
				continue
			}
			byTitle[chart.Title] = len(a.Charts)
			a.Charts = append(a.Charts, chart)
		case e.Output.Table != nil && tables && e.Output.Title != "":
			a.Tables = append(a.Tables, tableOf("", *e.Output))
		}
	}
}

func chartOf(title string, o Output) AnswerChart {
	if title = untrusted.Line(title); title == "" {
		title = o.Title
	}
	return AnswerChart{Title: title, Spec: o.JSON, Artifact: o.Artifact}
}

func tableOf(title string, o Output) AnswerTable {
	if title = untrusted.Line(title); title == "" {
		title = o.Title
	}
	return AnswerTable{Title: title, Table: *o.Table, Artifact: o.Artifact}
}

// lines cleans a list of sentences and drops empty ones.
func lines(list []string) []string {
	out := []string{}
	for _, s := range list {
		if s = untrusted.Line(s); s != "" {
			out = append(out, s)
		}
	}
	return out
}

// question is what the person asked in this run.
func (k *work) question() string {
	if len(k.prompt.turn) == 0 {
		return ""
	}
	return k.prompt.turn[0].Content
}
