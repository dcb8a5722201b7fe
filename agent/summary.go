package agent

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/mark-analyst/mark/internal/dialogue"
	"github.com/mark-analyst/mark/internal/untrusted"
)

const (
	// summaryShare is which part of a run's time a summary may take.
	summaryShare = 5
	// maxSummary is the most that a summary has, tokens.
	maxSummary = 2_000
	// maxParts is how many requests a summary may take, where what it is of does
	// not fit into one. The rest is told by its first lines.
	maxParts = 4
	// shownTurn is how much of a question or an answer is shown for a summary, and
	// shownCode of a program, characters.
	shownTurn = 2_000
	shownCode = 500
	// digestLine is how much a digest has of a question and of an answer,
	// characters.
	digestLine = 200
)

// errLongEnough ends a model that does not end its summary.
var errLongEnough = errors.New("the summary is long enough")

// summary is what is told of exchanges in their place.
type summary struct {
	text   string
	digest bool // it was not made by the model
}

// summarise tells exchanges in short, and what was told of those before them, in at
// most so many tokens. The model does; where it fails, first lines stand for the
// rest: only the end of the run's own context is an error.
func (k *work) summarise(ctx context.Context, before string, of []exchange, most int) (summary, error) {
	most = min(most, maxSummary)
	s := summary{text: before, digest: k.llm.Offline}
	for part := 0; len(of) > 0 && !s.digest; part++ {
		shown, n := k.transcript(s.text, of)
		if part == maxParts || n == 0 {
			s.digest = true
			break
		}
		text, err := k.askSummary(ctx, shown, most)
		if ctx.Err() != nil {
			return s, context.Cause(ctx)
		}
		if err != nil {
			k.Logger.WarnContext(ctx, "the model gave no summary of a chat, its first lines stand for it", "run", k.row.ID, "error", err)
			s.digest = true
			break
		}
		s.text, of = text, of[n:]
	}
	if s.digest {
		s.text = digest(s.text, of)
	}
	s.text = k.within(s.text, most)
	return s, nil
}

// askSummary has the model tell in short what is shown.
func (k *work) askSummary(ctx context.Context, shown string, most int) (string, error) {
	k.doing = Stopped{What: DoingModel}
	defer func() { k.doing = Stopped{What: DoingNothing} }()
	ctx, cancel := context.WithTimeout(ctx, k.Limits.RunTime/summaryShare)
	defer cancel()
	asked := []dialogue.Message{
		{Role: dialogue.System, Content: k.prompts.summary(most)},
		{Role: dialogue.User, Content: shown},
	}
	var said strings.Builder
	reply, err := k.llm.LLM.Stream(ctx, dialogue.Request{
		Model: k.llm.Name, User: k.row.OwnerID, Choice: dialogue.ChoiceNone, Messages: asked,
		MaxTokens: k.replyTokens(k.cautious(k.tokensOf(asked))),
	}, func(d dialogue.Delta) error {
		if said.WriteString(d.Text); said.Len() > 10*most {
			return errLongEnough
		}
		return nil
	})
	k.pay(reply)
	text := reply.Message.Content
	if errors.Is(err, errLongEnough) {
		text, err = said.String(), nil
	}
	if err != nil {
		return "", err
	}
	if text = strings.TrimSpace(untrusted.Clean(text)); text == "" {
		return "", errors.New("the summary is empty")
	}
	return text, nil
}

// transcript shows a summary and as many of the exchanges after it as the model's
// context holds, half of it left.
func (k *work) transcript(before string, of []exchange) (shown string, n int) {
	room := (Model{ContextTokens: max(k.llm.ContextTokens, 0)}).room()
	if room == 0 {
		room = (Model{ContextTokens: assumedContext}).room()
	}
	var b strings.Builder
	if before != "" {
		fmt.Fprintf(&b, "<earlier_summary>\n%s\n</earlier_summary>\n", inside(before))
	}
	b.WriteString("<conversation>\n")
	for used := k.Tokens.Count(b.String()); n < len(of); n++ {
		turn := of[n].shown()
		if used += k.Tokens.Count(turn); n > 0 && k.cautious(used) > room/2 {
			break
		}
		b.WriteString(turn)
	}
	b.WriteString("</conversation>\nWrite the summary now.")
	return b.String(), n
}

// shown is an exchange as it is shown for a summary: without results, which the
// answer says what is to be known of.
func (x exchange) shown() string {
	var b strings.Builder
	fmt.Fprintf(&b, "Person: %s\n", clip(x.asks.Content, shownTurn))
	for _, m := range x.calls {
		for _, c := range m.ToolCalls {
			fmt.Fprintf(&b, "(Mark called %s %s)\n", c.Name, clip(untrusted.Line(c.Arguments), shownCode))
		}
	}
	fmt.Fprintf(&b, "Mark: %s\n\n", clip(inside(x.says.Content), shownTurn))
	return b.String()
}

// digest is exchanges by their first lines, after what stands for those before them.
func digest(before string, of []exchange) string {
	var b strings.Builder
	b.WriteString(before)
	for _, x := range of {
		asked := x.asks.Content
		if _, question, ok := strings.Cut(asked, "</context>\n"); ok {
			asked = question
		}
		if b.Len() > 0 {
			b.WriteByte('\n')
		}
		fmt.Fprintf(&b, "- Asked: %s Answered: %s", firstLine(asked), firstLine(x.says.Content))
	}
	return b.String()
}

// firstLine is the first line of a text that has something.
func firstLine(s string) string {
	for line := range strings.Lines(s) {
		if line = untrusted.Line(line); line != "" {
			return clip(line, digestLine)
		}
	}
	return ""
}

// within cuts the middle out of a text until it has at most so many tokens.
func (k *work) within(text string, most int) string {
	for n := k.Tokens.Count(text); n > most; n = k.Tokens.Count(text) {
		text = clip(text, len([]rune(text))*most/(n+n/10+1))
	}
	return text
}
