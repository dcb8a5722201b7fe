package agent

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/dataset"
	"github.com/mark-analyst/mark/ent/message"
	"github.com/mark-analyst/mark/ent/run"
	"github.com/mark-analyst/mark/ent/step"
	"github.com/mark-analyst/mark/internal/dialogue"
	"github.com/mark-analyst/mark/internal/untrusted"
)

const (
	// maxRuns is how many earlier questions of a chat a model is told.
	maxRuns = 20
	// maxOpen is how many questions without an answer are told before the next
	// one, and toldOpen how much of each, characters.
	maxOpen  = 3
	toldOpen = 1_000
	// detailedRuns is how many of the latest runs are told with their tool
	// calls; of the others only question and answer.
	detailedRuns = 2
	// oldResult is how much of an earlier run's tool result is told, characters.
	oldResult = 2_000
)

// prompt is what a model is sent: it only grows, so that its beginning stays the
// same from call to call.
type prompt struct {
	system  string
	history []dialogue.Message // earlier runs
	turn    []dialogue.Message // this run: the question and what came of it
	cuts    int                // how often it was compacted: not all that was told stands in it
}

func (p *prompt) add(m dialogue.Message) { p.turn = append(p.turn, m) }

// hint says what a reply lacked that is not told. It goes with what was said
// last where a person said that: many models' templates want the two to take
// turns.
func (p *prompt) hint(text string) {
	last := &p.turn[len(p.turn)-1]
	switch {
	case last.Role != dialogue.User:
		p.add(dialogue.Message{Role: dialogue.User, Content: text})
	case !strings.HasSuffix(last.Content, text):
		last.Content += "\n\n" + text
	}
}

func (p *prompt) messages() []dialogue.Message {
	out := make([]dialogue.Message, 0, 1+len(p.history)+len(p.turn))
	out = append(out, dialogue.Message{Role: dialogue.System, Content: p.system})
	out = append(out, p.history...)
	return append(out, p.turn...)
}

// compact makes the prompt fit a model that said it is too long, a stage further
// each time, or as many stages as it takes to make it shorter.
func (p *prompt) compact(characters int) {
	before := p.size()
	for p.cuts++; ; p.cuts++ {
		p.cut(characters)
		if p.cuts >= lastStage || p.size() < before {
			return
		}
	}
}

// lastStage is where nothing of earlier runs is left.
const lastStage = 3

// cut leaves out what the stage has it leave out: of earlier runs first the calls,
// then all but the last question and answer, without which "only for Europe" says
// nothing, then these. What came of this run's question is cut, each message to
// so many characters.
func (p *prompt) cut(characters int) {
	if p.cuts >= lastStage {
		p.history = nil
	}
	p.history = spoken(p.history)
	if p.cuts > 1 {
		p.history = p.history[max(0, len(p.history)-2):]
		for i, m := range p.history {
			p.history[i].Content = clip(m.Content, characters)
		}
	}
	for i, m := range p.turn {
		if i > 0 {
			p.turn[i].Content = clip(m.Content, characters)
		}
	}
}

// size is what the messages hold, bytes.
func (p *prompt) size() int {
	n := 0
	for _, m := range p.messages() {
		n += len(m.Content)
		for _, c := range m.ToolCalls {
			n += len(c.Arguments)
		}
	}
	return n
}

// spoken is a history without its calls and their results.
func spoken(history []dialogue.Message) []dialogue.Message {
	var out []dialogue.Message
	for _, m := range history {
		if m.Role != dialogue.ToolRole && len(m.ToolCalls) == 0 {
			out = append(out, m)
		}
	}
	return out
}

// gather reads what the model is to know: the chat's datasets, once none of
// them is being profiled any more, what was said, and the question.
func (k *work) gather(ctx context.Context) error {
	c, err := k.Client.Chat.Get(ctx, k.row.ChatID)
	if err != nil {
		return fmt.Errorf("read the chat: %w", err)
	}
	datasetIDs, err := c.QueryDatasets().IDs(ctx)
	if err != nil {
		return fmt.Errorf("read the chat's datasets: %w", err)
	}
	if len(datasetIDs) > 0 {
		if err := k.Datasets.Await(ctx, datasetIDs...); err != nil {
			return fmt.Errorf("wait for datasets: %w", err)
		}
	}
	k.datasets, err = c.QueryDatasets().
		WithColumns(func(q *ent.ColumnQuery) { q.Order(ent.Asc("position")) }).
		Order(ent.Asc(dataset.FieldCreatedAt), ent.Asc(dataset.FieldID)).All(ctx)
	if err != nil {
		return fmt.Errorf("read the datasets: %w", err)
	}
	question, parts, err := k.said(ctx, k.row.QuestionID)
	if err != nil {
		return fmt.Errorf("read the question: %w", err)
	}
	catalogue := k.catalogue()
	k.prompt.system = k.prompts.system(catalogue)
	k.evidence.told = append(k.evidence.told, catalogue)
	var open []string
	if k.prompt.history, open, err = k.history(ctx, c.ID, question.Seq); err != nil {
		return err
	}
	k.prompt.add(asked(question, parts, open))
	return nil
}

// said is a message with the datasets that came with it, and its parts.
func (k *work) said(ctx context.Context, id string) (*ent.Message, []Part, error) {
	m, err := k.Client.Message.Query().Where(message.ID(id)).
		WithAttachments(func(q *ent.DatasetQuery) {
			q.Order(ent.Asc(dataset.FieldCreatedAt), ent.Asc(dataset.FieldID))
		}).Only(ctx)
	if err != nil {
		return nil, nil, err
	}
	parts, err := Parts(m.Parts)
	return m, parts, err
}

// asked is a question as the model reads it, in its own run and in later ones:
// the date, what is attached and the questions before it that have no answer
// stand before it, so that the prompt's beginning does not change with them.
func asked(m *ent.Message, parts []Part, open []string) dialogue.Message {
	var b strings.Builder
	fmt.Fprintf(&b, "<context>\nToday is %s.\n", m.CreatedAt.UTC().Format("Monday, 2 January 2006"))
	for _, d := range m.Edges.Attachments {
		fmt.Fprintf(&b, "Attached: %s\n", encode(untrusted.Clean(d.FileName)))
	}
	for _, question := range open {
		fmt.Fprintf(&b, "Asked before, not answered: %s\n", encode(question))
	}
	b.WriteString("</context>\n")
	b.WriteString(untrusted.Clean(plain(parts)))
	return dialogue.Message{Role: dialogue.User, Content: b.String()}
}

// history is what was asked before the message with this seq and what was
// answered, and the questions since then that were not. It goes by the runs: a
// question that waited for its turn stands before the answers that it follows.
func (k *work) history(ctx context.Context, chatID string, before int) (told []dialogue.Message, open []string, err error) {
	runs, err := k.Client.Run.Query().
		Where(run.ChatID(chatID), run.AnswerIDNotNil(), run.HasQuestionWith(message.SeqLT(before))).
		Order(ent.Desc(run.FieldCreatedAt), ent.Desc(run.FieldID)).Limit(maxRuns).
		Select(run.FieldID, run.FieldQuestionID, run.FieldAnswerID).All(ctx)
	if err != nil {
		return nil, nil, fmt.Errorf("read the history: %w", err)
	}
	detail, err := k.latestSteps(ctx, chatID)
	if err != nil {
		return nil, nil, err
	}
	slices.Reverse(runs)
	for _, r := range runs {
		question, asks, err := k.said(ctx, r.QuestionID)
		if err != nil {
			return nil, nil, fmt.Errorf("read the history: %w", err)
		}
		// One at a time: a message holds its charts, and only its text is told.
		answer, says, err := k.said(ctx, *r.AnswerID)
		if err != nil {
			return nil, nil, fmt.Errorf("read the history: %w", err)
		}
		if !slices.ContainsFunc(says, func(p Part) bool { return p.Answer != nil }) {
			// "Stopped." or an error in the model's own voice is what a small
			// one then answers with, too.
			open = append(open, clip(untrusted.Line(plain(asks)), toldOpen))
			continue
		}
		told = append(told, asked(question, asks, open))
		open = nil
		told = append(told, detail[answer.ID]...)
		told = append(told, dialogue.Message{Role: dialogue.Assistant, Content: plain(says)})
	}
	for _, m := range told {
		if m.Role == dialogue.User {
			k.evidence.told = append(k.evidence.told, m.Content)
		}
	}
	return told, open[max(0, len(open)-maxOpen):], nil
}

// latestSteps are the tool calls of the latest runs with their results, by the
// id of the message that answered.
func (k *work) latestSteps(ctx context.Context, chatID string) (map[string][]dialogue.Message, error) {
	runs, err := k.Client.Run.Query().
		Where(run.ChatID(chatID), run.StateEQ(run.StateSucceeded)).
		Order(ent.Desc(run.FieldCreatedAt), ent.Desc(run.FieldID)).Limit(detailedRuns).
		WithSteps(func(q *ent.StepQuery) {
			q.Order(ent.Asc(step.FieldIndex))
			q.Select(step.FieldRunID, step.FieldTool, step.FieldCallID, step.FieldArguments, step.FieldResult) // no charts
		}).All(ctx)
	if err != nil {
		return nil, fmt.Errorf("read earlier runs: %w", err)
	}
	out := map[string][]dialogue.Message{}
	for _, r := range runs {
		if r.AnswerID == nil {
			continue
		}
		for _, s := range r.Edges.Steps {
			// A call whose arguments are no JSON would be refused, and the
			// answer itself is told as text.
			if s.CallID == "" || s.Tool == toolFinalAnswer || s.Result == nil || !json.Valid([]byte(s.Arguments)) {
				continue
			}
			k.evidence.told = append(k.evidence.told, *s.Result)
			out[*r.AnswerID] = append(out[*r.AnswerID],
				dialogue.Message{Role: dialogue.Assistant, ToolCalls: []dialogue.ToolCall{{ID: s.CallID, Name: s.Tool, Arguments: s.Arguments}}},
				dialogue.Message{Role: dialogue.ToolRole, ToolCallID: s.CallID, Content: clip(*s.Result, oldResult)})
		}
	}
	return out, nil
}
