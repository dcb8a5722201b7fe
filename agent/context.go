package agent

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/mark-analyst/mark/internal/dialogue"
)

// A prompt is kept within the model's context, reply and all: of earlier runs the
// history is bounded before the run begins (memory.go), and what the run itself adds
// is looked at before each call. What is done goes by what the prompt holds, so that
// whoever takes the run over does the same.

const (
	// reserveShare is which part of a context is kept for the reply, and
	// maxReserve the most of it, tokens.
	reserveShare = 4
	maxReserve   = 16_384
	// assumedContext is what the history of a model goes by whose context is not
	// known, tokens. What is too long all the same the server says.
	assumedContext = 16_384
	// leastHistory is what a history may take however little room there is,
	// tokens: one answer.
	leastHistory = 300

	// messageTokens is what a message takes beside its text, and callTokens a
	// call.
	messageTokens = 4
	callTokens    = 8
	// caution is how many tokens are taken for one that was counted: models count
	// otherwise. What a model's server says it counted raises it, up to
	// maxCaution.
	caution    = 1.1
	maxCaution = 2.0

	// keptResults is how many of a run's results stay when the others are
	// cleared, and clearable from how many characters on one is.
	keptResults = 2
	clearable   = 400
)

// room is how many tokens a prompt may have; 0: it is not known.
func (m Model) room() int {
	if m.ContextTokens <= 0 {
		return 0
	}
	return m.ContextTokens - min(m.ContextTokens/reserveShare, maxReserve)
}

// historyRoom is how many tokens of the prompt the history may take, its summary
// included: half of what the rest leaves.
func (k *work) historyRoom() int {
	context := k.llm
	if context.ContextTokens <= 0 {
		context.ContextTokens = assumedContext
	}
	left := context.room() - k.cautious(k.tokensOf([]dialogue.Message{{Content: k.prompt.system}})+k.toolTokens())
	return max(leastHistory, min(k.Limits.HistoryTokens, left/2))
}

// fit makes the prompt fit the model, where its context is known: first results of
// tools are cleared, those of earlier runs and then the older ones of this, then it
// is compacted as where the server says that it is too long.
func (k *work) fit() {
	room := k.llm.room()
	if room == 0 {
		return
	}
	if k.promptTokens() > room {
		k.prompt.clearHistory()
	}
	if k.promptTokens() > room {
		// More than is needed at once: each clearing costs the prompt cache.
		k.prompt.clearTurn(func() bool { return k.promptTokens() <= room*4/5 })
	}
	for k.promptTokens() > room && k.prompt.cuts < lastStage {
		k.prompt.compact(max(oldResult>>(2*k.prompt.cuts), leastResult))
	}
}

// promptTokens is what the next request takes, with caution.
func (k *work) promptTokens() int {
	return k.cautious(k.tokensOf(k.prompt.messages()) + k.toolTokens())
}

func (k *work) cautious(counted int) int { return int(float64(counted) * max(caution, k.excess)) }

// learn compares what the model's server says of a prompt with what was counted of
// it.
func (k *work) learn(counted int, said dialogue.Usage) {
	if counted > 0 {
		k.excess = max(k.excess, min(maxCaution, float64(said.PromptTokens)/float64(counted)))
	}
}

func (k *work) tokensOf(list []dialogue.Message) int {
	n := 0
	for _, m := range list {
		n += messageTokens + k.Tokens.Count(m.Content)
		for _, c := range m.ToolCalls {
			n += callTokens + k.Tokens.Count(c.Name) + k.Tokens.Count(c.Arguments)
		}
	}
	return n
}

func (k *work) toolTokens() int {
	n := 0
	for _, t := range k.tools.list() {
		n += callTokens + k.Tokens.Count(t.Description) + k.Tokens.Count(string(t.Schema))
	}
	return n
}

// clearHistory clears the results of earlier runs.
func (p *prompt) clearHistory() { p.history = clearResults(p.history) }

// clearTurn clears this run's results from the oldest on until it is enough. The
// newest stay: they are what the model works with.
func (p *prompt) clearTurn(enough func() bool) {
	var results []int
	for i, m := range p.turn {
		if m.Role == dialogue.ToolRole {
			results = append(results, i)
		}
	}
	for _, i := range results[:max(0, len(results)-keptResults)] {
		if enough() {
			return
		}
		copy(p.turn, clearResults(p.turn[:i+1]))
		p.cleared = true
	}
}

// clearResults replaces long results by a line each.
func clearResults(list []dialogue.Message) []dialogue.Message {
	names := map[string]string{}
	for _, m := range list {
		for _, c := range m.ToolCalls {
			names[c.ID] = c.Name
		}
	}
	out := append([]dialogue.Message{}, list...)
	for i, m := range out {
		if m.Role == dialogue.ToolRole && len(m.Content) >= clearable {
			out[i].Content = clearedLine(names[m.ToolCallID], m.Content)
		}
	}
	return out
}

// clearedLine stands for a result: what it was, and how to have it again.
func clearedLine(tool, result string) string {
	again := "Call it again where that is needed."
	if tool == toolRunPython {
		again = "What its programs made is still in the variables; print again what is needed of it."
	}
	if tool == "" {
		tool = "a tool"
	}
	failed := ""
	if strings.Contains(result, "<error>") {
		failed = " It had an error."
	}
	return fmt.Sprintf("(Cleared to save room: %d characters that %s gave.%s %s)", utf8.RuneCountInString(result), tool, failed, again)
}
