package agent

// A reply is bounded in tokens, too: a model that does not end would else write until
// its context is full, for minutes and at a price.

const (
	// mostReply is the most that a reply may have where nothing is configured,
	// tokens: what a reasoning model may think before it calls a tool, and a long
	// program.
	mostReply = 32_768
	// unknownReply is that where the model's context is not known.
	unknownReply = 16_384
	// leastReply is what a reply may have however little is left of a budget,
	// tokens: an answer is to come to its end.
	leastReply = 4_096
)

// mostReply is how many tokens a reply of the model may have.
func (m Model) mostReply() int {
	switch {
	case m.ReplyTokens > 0:
		return m.ReplyTokens
	case m.ContextTokens > 0:
		return min(m.ContextTokens/reserveShare, mostReply)
	}
	return unknownReply
}

// replyTokens is how many tokens the reply to a prompt of so many may have: what the
// model's context leaves, or what is kept of it for replies, and what the budgets
// leave.
func (k *work) replyTokens(prompt int) int {
	most := k.llm.mostReply()
	if context := k.llm.ContextTokens; context > 0 {
		most = min(most, max(context-prompt, context-k.llm.room()))
	}
	for _, left := range []int64{k.leftOfRun(), k.leftToday} {
		if left != unbounded {
			most = int(min(int64(most), max(left-int64(prompt), leastReply)))
		}
	}
	return most
}

// unbounded is what is left where there is no budget.
const unbounded = -1

// leftOfRun is how many tokens the run's budget leaves, below zero none.
func (k *work) leftOfRun() int64 {
	if k.Limits.PerRun.Tokens <= 0 {
		return unbounded
	}
	return max(0, k.Limits.PerRun.Tokens-k.usage.used().Tokens)
}
