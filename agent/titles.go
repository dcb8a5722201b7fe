package agent

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"

	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/chat"
	"github.com/mark-analyst/mark/ent/run"
	"github.com/mark-analyst/mark/internal/dialogue"
	"github.com/mark-analyst/mark/internal/untrusted"
)

// A chat is called by its first question until a run has answered in it. Then the
// model is asked for a title, beside everything else: nobody waits for it, and where
// it comes to nothing the question stays. What a person has called a chat stays.

const (
	// titleTime is how long the model may take for a title, and titleTokens how
	// much it may write, what it thinks included.
	titleTime   = 20 * time.Second
	titleTokens = 1_000
	// shownForTitle is how much of the question and of the answer is shown for one,
	// characters.
	shownForTitle = 1_000
)

// TitleJob asks a node for the title of the chat of a run that has answered.
type TitleJob struct {
	RunID   string `json:"run"`
	OwnerID string `json:"owner"`
}

// Kind is the job's name in the queue.
func (TitleJob) Kind() string { return "title" }

// TitleQueue gives such jobs to the nodes. It may lose them.
type TitleQueue interface {
	Enqueue(ctx context.Context, jobs ...TitleJob) error
}

// answered asks for a title of a run's chat, where the run is the first that has
// answered in it.
func (a *Agent) answered(ctx context.Context, r *ent.Run) {
	if m, ok := a.model(r.Model); a.Titles == nil || !ok || m.Offline {
		return
	}
	wants, err := a.Client.Chat.Query().Where(chat.ID(r.ChatID), chat.TitledByEQ(chat.TitledByQuestion),
		chat.Not(chat.HasRunsWith(run.StateEQ(run.StateSucceeded), run.IDNEQ(r.ID)))).Exist(ctx)
	if err == nil && wants {
		err = a.Titles.Enqueue(ctx, TitleJob{RunID: r.ID, OwnerID: r.OwnerID})
	}
	if err != nil {
		a.Logger.WarnContext(ctx, "a chat keeps its question as its title", "run", r.ID, "error", err)
	}
}

// Title has the model name a chat. What it takes counts as the run's. An error says
// that the database did not do what it should.
func (a *Agent) Title(ctx context.Context, j TitleJob) error {
	ctx = a.AsOwner(ctx, j.OwnerID)
	r, err := a.Client.Run.Query().Where(run.ID(j.RunID), run.StateEQ(run.StateSucceeded), run.HasChatWith(chat.TitledByEQ(chat.TitledByQuestion))).
		WithQuestion().WithAnswer().Only(ctx)
	if ent.IsNotFound(err) {
		return nil // it was deleted, or has got a name
	}
	if err != nil {
		return fmt.Errorf("read the run to be named after: %w", err)
	}
	m, ok := a.model(r.Model)
	if !ok {
		return nil
	}
	used, err := a.usedToday(ctx, a.Client)
	if err != nil {
		return err
	}
	if a.Limits.PerRun.spentBy(usageOf(r).used()) != "" || a.Limits.PerDay.spentBy(used) != "" {
		return nil
	}
	shown, err := shownTitle(r.Edges.Question, r.Edges.Answer)
	if err != nil {
		return err
	}
	title, paid, err := a.askTitle(ctx, m, r.OwnerID, shown)
	if err != nil {
		a.Logger.InfoContext(ctx, "the model gave no title of a chat, its question stays", "run", r.ID, "error", err)
	}
	return a.nameChat(context.WithoutCancel(ctx), r, title, paid)
}

// askTitle has a model write a title, and tells what it took, whether one came of it
// or not.
func (a *Agent) askTitle(ctx context.Context, m Model, ownerID, shown string) (title string, paid expense, err error) {
	ctx, cancel := context.WithTimeout(ctx, titleTime)
	defer cancel()
	reply, err := m.LLM.Stream(ctx, dialogue.Request{
		User: ownerID, Choice: dialogue.ChoiceNone, MaxTokens: min(titleTokens, m.mostReply()),
		Messages: []dialogue.Message{
			{Role: dialogue.System, Content: a.prompts.text(promptTitles)},
			{Role: dialogue.User, Content: shown},
		},
	}, func(dialogue.Delta) error { return nil })
	paid = a.expenseOf(m, reply)
	if err != nil {
		return "", paid, err
	}
	if title = titleIn(reply.Message.Content); title == "" || reply.Finish != dialogue.FinishStop {
		return "", paid, errors.New("what it wrote is none")
	}
	return title, paid, nil
}

// nameChat stores a title, unless somebody has given the chat one meanwhile, and
// what it took.
func (a *Agent) nameChat(ctx context.Context, r *ent.Run, title string, paid expense) error {
	if title == "" && paid == (expense{}) {
		return nil
	}
	tx, err := a.Client.Tx(ctx)
	if err != nil {
		return fmt.Errorf("name a chat: %w", err)
	}
	// After a commit there is nothing to undo, and after a failure its reason counts.
	defer tx.Rollback() //nolint:errcheck
	// The run first, and the day last, as whoever ends a run does.
	err = tx.Run.UpdateOneID(r.ID).AddPromptTokens(paid.PromptTokens).AddCachedTokens(paid.CachedTokens).
		AddCompletionTokens(paid.CompletionTokens).AddReasoningTokens(paid.ReasoningTokens).AddCostMicros(paid.CostMicros).Exec(ctx)
	if ent.IsNotFound(err) {
		return nil // deleted meanwhile
	}
	if err != nil {
		return fmt.Errorf("count what a title took: %w", err)
	}
	if title != "" {
		err := tx.Chat.Update().Where(chat.ID(r.ChatID), chat.TitledByEQ(chat.TitledByQuestion)).
			SetTitle(title).SetTitledBy(chat.TitledByModel).Exec(ctx)
		if err != nil {
			return fmt.Errorf("name a chat: %w", err)
		}
	}
	more := Usage{Usage: paid.Usage, CostMicros: paid.CostMicros}
	if _, err := a.useDay(ctx, tx, r.OwnerID, more.used()); err != nil {
		return err
	}
	if err := tx.Commit(); err != nil {
		return fmt.Errorf("name a chat: commit: %w", err)
	}
	return nil
}

// shownTitle is the beginning of a chat as it is shown for its title.
func shownTitle(question, answer *ent.Message) (string, error) {
	asked, err := Parts(question.Parts)
	if err != nil {
		return "", err
	}
	said, err := Parts(answer.Parts)
	if err != nil {
		return "", err
	}
	var b strings.Builder
	for _, p := range asked {
		if p.Text != nil {
			fmt.Fprintf(&b, "<question>\n%s\n</question>\n", inside(clip(p.Text.Text, shownForTitle)))
		}
	}
	for _, p := range said {
		if p.Answer != nil {
			fmt.Fprintf(&b, "<answer>\n%s\n</answer>\n", inside(clip(p.Answer.Story, shownForTitle)))
		}
	}
	b.WriteString("Write the title now.")
	return b.String(), nil
}

// titleIn is the title that a model has written: the first line that has something,
// without what surrounds it; "" where that is too long for one.
func titleIn(text string) string {
	for line := range strings.Lines(text) {
		line = strings.TrimFunc(untrusted.Line(line), func(r rune) bool {
			return unicode.IsSpace(r) || strings.ContainsRune("#*_`\"'“”„«»", r)
		})
		if label, rest, ok := strings.Cut(line, ":"); ok && strings.EqualFold(label, "title") {
			line = strings.Trim(rest, " *_`\"'“”")
		}
		if line = strings.TrimRight(line, "."); line == "" {
			continue
		}
		if utf8.RuneCountInString(line) > maxTitle {
			return ""
		}
		return line
	}
	return ""
}
