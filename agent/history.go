package agent

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"

	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/chat"
	"github.com/mark-analyst/mark/ent/dataset"
	"github.com/mark-analyst/mark/ent/message"
	"github.com/mark-analyst/mark/ent/run"
	"github.com/mark-analyst/mark/ent/step"
	"github.com/mark-analyst/mark/internal/dialogue"
	"github.com/mark-analyst/mark/internal/untrusted"
)

const (
	// maxRuns is how many earlier runs of a chat are read: many more than fit
	// into a prompt, of which what does not is told in short (memory.go).
	maxRuns = 1_000
	// maxOpen is how many questions without an answer are told before the next
	// one, and toldOpen how much of each, characters.
	maxOpen  = 3
	toldOpen = 1_000
)

// past is what was said in a chat before a question, as far as it is told.
type past struct {
	memory    remembered // what is told in place of all before
	exchanges []exchange // in the order of the questions
	open      []string   // the questions since, which have no answer
}

// exchange is an earlier question with its answer. It is told in the words in which
// its own run was, so that the prompt goes on where that run's ended.
type exchange struct {
	seq   int // of the question
	asks  dialogue.Message
	calls []dialogue.Message // and their results
	says  dialogue.Message
}

// gathered is what was read for the model.
type gathered struct {
	question *ent.Message
	parts    []Part // of the question
	before   past
}

// gather reads what the model is to know: the chat's datasets, once none of
// them is being profiled any more, what was said, and the question.
func (k *work) gather(ctx context.Context) (g gathered, err error) {
	ofChat := dataset.HasChatsWith(chat.ID(k.row.ChatID))
	datasetIDs, err := k.Client.Dataset.Query().Where(ofChat).IDs(ctx)
	if err != nil {
		return g, fmt.Errorf("read the chat's datasets: %w", err)
	}
	if len(datasetIDs) > 0 {
		if err := k.Datasets.Await(ctx, datasetIDs...); err != nil {
			return g, fmt.Errorf("wait for datasets: %w", err)
		}
		k.datasets, err = k.Client.Dataset.Query().Where(ofChat).
			WithColumns(func(q *ent.ColumnQuery) { q.Order(ent.Asc("position")) }).
			Order(ent.Asc(dataset.FieldCreatedAt), ent.Asc(dataset.FieldID)).All(ctx)
		if err != nil {
			return g, fmt.Errorf("read the datasets: %w", err)
		}
		if err := k.nameFiles(ctx); err != nil {
			return g, err
		}
	}
	if g.question, g.parts, err = k.said(ctx, k.row.QuestionID); err != nil {
		return g, fmt.Errorf("read the question: %w", err)
	}
	if g.question.Seq > 1 { // else nothing was said before
		g.before, err = k.history(ctx, k.row.ChatID, g.question.Seq)
	}
	return g, err
}

// brief makes the prompt of what was gathered.
func (k *work) brief(ctx context.Context, g gathered) error {
	catalogue := k.catalogue(plain(g.parts))
	k.prompt.system = k.prompts.system(catalogue)
	k.evidence.told = append(k.evidence.told, catalogue)
	if err := k.remember(ctx, &g.before); err != nil {
		return err
	}
	k.recite(g.before)
	k.prompt.add(k.asked(g.question, g.parts, g.before.open))
	return nil
}

// said is a message with the datasets that came with it, and its parts.
func (k *work) said(ctx context.Context, id string) (*ent.Message, []Part, error) {
	m, err := k.Client.Message.Query().Where(message.ID(id)).WithAttachments(inOrder).Only(ctx)
	if err != nil {
		return nil, nil, err
	}
	parts, err := Parts(m.Parts)
	return m, parts, err
}

// inOrder sorts what came with a message.
func inOrder(q *ent.DatasetQuery) {
	q.Order(ent.Asc(dataset.FieldCreatedAt), ent.Asc(dataset.FieldID))
}

// asked is a question as the model reads it, in its own run and in later ones:
// the date, what is attached and the questions before it that have no answer
// stand before it, so that the prompt's beginning does not change with them.
func (k *work) asked(m *ent.Message, parts []Part, open []string) dialogue.Message {
	var b strings.Builder
	fmt.Fprintf(&b, "<context>\nToday is %s.\n", m.CreatedAt.UTC().Format("Monday, 2 January 2006"))
	for _, d := range m.Edges.Attachments {
		fmt.Fprintf(&b, "Attached: %s\n", encode(untrusted.Clean(k.fileName(d))))
	}
	for _, question := range open[max(0, len(open)-maxOpen):] {
		fmt.Fprintf(&b, "Asked before, not answered: %s\n", encode(question))
	}
	b.WriteString("</context>\n")
	b.WriteString(inside(untrusted.Clean(plain(parts))))
	return dialogue.Message{Role: dialogue.User, Content: b.String()}
}

// history is what was asked before the message with this seq and what was
// answered. It goes by the runs: a question that waited for its turn stands before
// the answers that it follows. Of a question that was asked again only the newest
// answer is told.
func (k *work) history(ctx context.Context, chatID string, before int) (past, error) {
	p := past{}
	var err error
	if p.memory, err = k.recallMemory(ctx, chatID, before); err != nil {
		return p, err
	}
	runs, err := k.Client.Run.Query().
		Where(run.ChatID(chatID), run.AnswerIDNotNil(), run.HasQuestionWith(message.SeqLT(before), message.SeqGT(p.memory.through))).
		Order(ent.Desc(run.FieldCreatedAt), ent.Desc(run.FieldID)).Limit(maxRuns).
		Select(run.FieldID, run.FieldQuestionID, run.FieldAnswerID).All(ctx)
	if err != nil {
		return p, fmt.Errorf("read the history: %w", err)
	}
	if len(runs) == 0 {
		return p, nil
	}
	questions, err := k.questions(ctx, runs)
	if err != nil {
		return p, err
	}
	answered, says, err := k.answers(ctx, runs)
	if err != nil {
		return p, err
	}
	calls, err := k.calls(ctx, answered)
	if err != nil {
		return p, err
	}
	for _, question := range questions {
		asks, err := Parts(question.Parts)
		if err != nil {
			return p, err
		}
		r := answered[question.ID]
		if r == nil {
			// "Stopped." or an error in the model's own voice is what a small
			// one then answers with, too.
			p.open = append(p.open, clip(untrusted.Line(plain(asks)), toldOpen))
			continue
		}
		p.exchanges = append(p.exchanges, exchange{
			seq: question.Seq, asks: k.asked(question, asks, p.open), calls: calls[r.ID],
			says: dialogue.Message{Role: dialogue.Assistant, Content: says[r.ID]},
		})
		p.open = nil
	}
	return p, nil
}

// questions are those of the runs, in their order.
func (k *work) questions(ctx context.Context, runs []*ent.Run) ([]*ent.Message, error) {
	var ids []string
	for _, r := range runs {
		ids = append(ids, r.QuestionID)
	}
	list, err := k.Client.Message.Query().Where(message.IDIn(unique(ids)...)).WithAttachments(inOrder).
		Order(ent.Asc(message.FieldSeq)).All(ctx)
	if err != nil {
		return nil, fmt.Errorf("read the history: %w", err)
	}
	return list, nil
}

// answers are, of runs from the newest on, each question's first with an answer,
// and what was answered, by the run.
func (k *work) answers(ctx context.Context, runs []*ent.Run) (answered map[string]*ent.Run, says map[string]string, err error) {
	answered, says = map[string]*ent.Run{}, map[string]string{}
	for _, r := range runs {
		if answered[r.QuestionID] != nil {
			continue
		}
		// One at a time: a message holds its charts, and only its text is told.
		m, err := k.Client.Message.Query().Where(message.ID(*r.AnswerID)).Select(message.FieldParts).Only(ctx)
		if err != nil {
			return nil, nil, fmt.Errorf("read the history: %w", err)
		}
		parts, err := Parts(m.Parts)
		if err != nil {
			return nil, nil, err
		}
		if slices.ContainsFunc(parts, func(p Part) bool { return p.Answer != nil }) {
			answered[r.QuestionID], says[r.ID] = r, plain(parts)
		}
	}
	return answered, says, nil
}

// calls are the tool calls of runs with their results, by the run.
func (k *work) calls(ctx context.Context, answered map[string]*ent.Run) (map[string][]dialogue.Message, error) {
	var ids []string
	for _, r := range answered {
		ids = append(ids, r.ID)
	}
	steps, err := k.Client.Step.Query().Where(step.RunIDIn(ids...)).
		Order(ent.Asc(step.FieldRunID), ent.Asc(step.FieldIndex)).
		Select(step.FieldRunID, step.FieldReply, step.FieldResult).All(ctx) // no charts
	if err != nil {
		return nil, fmt.Errorf("read earlier runs: %w", err)
	}
	out := map[string][]dialogue.Message{}
	for len(steps) > 0 {
		// A reply's calls are the step that has it and those after it without one.
		n := 1
		for n < len(steps) && steps[n].RunID == steps[0].RunID && len(steps[n].Reply) == 0 {
			n++
		}
		told, err := retold(steps[:n])
		if err != nil {
			return nil, err
		}
		out[steps[0].RunID] = append(out[steps[0].RunID], told...)
		steps = steps[n:]
	}
	return out, nil
}

// retold is a reply with the results of its calls, as its own run was told it. What
// was no call, or was the answer, is not told: that comes after it, as text.
func retold(steps []*ent.Step) ([]dialogue.Message, error) {
	if len(steps[0].Reply) == 0 {
		return nil, nil
	}
	var reply dialogue.Reply
	if err := json.Unmarshal(steps[0].Reply, &reply); err != nil {
		return nil, fmt.Errorf("read an earlier reply: %w", err)
	}
	m := reply.Message
	m.Reasoning = ""
	m.ToolCalls = m.ToolCalls[:min(len(m.ToolCalls), len(steps))]
	if len(m.ToolCalls) == 0 || len(m.ToolCalls) == 1 && m.ToolCalls[0].Name == toolFinalAnswer {
		return nil, nil
	}
	told := []dialogue.Message{m}
	for i, c := range m.ToolCalls {
		if steps[i].Result == nil {
			return nil, nil
		}
		told = append(told, dialogue.Message{Role: dialogue.ToolRole, ToolCallID: c.ID, Content: *steps[i].Result})
	}
	return told, nil
}
