package agent

import (
	"context"
	"encoding/json"
	"fmt"
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
	// maxTurns is how many earlier messages of a chat a model is told.
	maxTurns = 40
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
	cut     bool               // compacted: not all that was told stands in it
}

func (p *prompt) add(m dialogue.Message) { p.turn = append(p.turn, m) }

func (p *prompt) messages() []dialogue.Message {
	out := make([]dialogue.Message, 0, 1+len(p.history)+len(p.turn))
	out = append(out, dialogue.Message{Role: dialogue.System, Content: p.system})
	out = append(out, p.history...)
	return append(out, p.turn...)
}

// compact makes the prompt fit a model that said it is too long: earlier runs
// go, and what came of this run's question is cut, each message to so many
// characters.
func (p *prompt) compact(characters int) {
	p.history, p.cut = nil, true
	for i, m := range p.turn {
		if i > 0 {
			p.turn[i].Content = clip(m.Content, characters)
		}
	}
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
	question, err := k.said(ctx, k.row.QuestionID)
	if err != nil {
		return fmt.Errorf("read the question: %w", err)
	}
	catalogue := k.catalogue()
	k.prompt.system = k.prompts.system(catalogue)
	k.evidence.told = append(k.evidence.told, catalogue)
	if k.prompt.history, err = k.history(ctx, c.ID, question.Seq); err != nil {
		return err
	}
	parts, err := Parts(question.Parts)
	if err != nil {
		return err
	}
	k.prompt.add(asked(question, parts))
	return nil
}

// said is a message with the datasets that came with it.
func (k *work) said(ctx context.Context, id string) (*ent.Message, error) {
	return k.Client.Message.Query().Where(message.ID(id)).
		WithAttachments(func(q *ent.DatasetQuery) {
			q.Order(ent.Asc(dataset.FieldCreatedAt), ent.Asc(dataset.FieldID))
		}).Only(ctx)
}

// asked is a question as the model reads it, in its own run and in later ones:
// the date and what is attached stand before it, so that the prompt's beginning
// does not change with them.
func asked(m *ent.Message, parts []Part) dialogue.Message {
	var b strings.Builder
	fmt.Fprintf(&b, "<context>\nToday is %s.\n", m.CreatedAt.UTC().Format("Monday, 2 January 2006"))
	for _, d := range m.Edges.Attachments {
		fmt.Fprintf(&b, "Attached: %s\n", encode(untrusted.Clean(d.FileName)))
	}
	b.WriteString("</context>\n")
	b.WriteString(untrusted.Clean(plain(parts)))
	return dialogue.Message{Role: dialogue.User, Content: b.String()}
}

// history is what was said before the message with this seq.
func (k *work) history(ctx context.Context, chatID string, before int) ([]dialogue.Message, error) {
	said, err := k.Client.Message.Query().
		Where(message.ChatID(chatID), message.SeqLT(before)).
		Order(ent.Desc(message.FieldSeq)).Limit(maxTurns).IDs(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the history: %w", err)
	}
	detail, err := k.latestSteps(ctx, chatID)
	if err != nil {
		return nil, err
	}
	var out []dialogue.Message
	for i := len(said) - 1; i >= 0; i-- {
		// One at a time: a message holds its charts, and only its text is told.
		m, err := k.said(ctx, said[i])
		if err != nil {
			return nil, fmt.Errorf("read the history: %w", err)
		}
		parts, err := Parts(m.Parts)
		if err != nil {
			return nil, err
		}
		if m.Role == message.RoleUser {
			question := asked(m, parts)
			k.evidence.told = append(k.evidence.told, question.Content)
			out = append(out, question)
			continue
		}
		out = append(out, detail[m.ID]...)
		text := plain(parts)
		if text == "" {
			text = "(no answer)"
		}
		out = append(out, dialogue.Message{Role: dialogue.Assistant, Content: text})
	}
	return out, nil
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
