package agent

import (
	"context"
	"fmt"

	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/predicate"
	"github.com/mark-analyst/mark/ent/run"
	"github.com/mark-analyst/mark/ent/step"
	"github.com/mark-analyst/mark/internal/fault"
	"github.com/mark-analyst/mark/internal/untrusted"
)

// askUser asks the person and leaves the run WAITING. When it was answered and
// the run goes on, the call is made once more, with the answer in the step.
func askUser(ctx context.Context, k *work, s *ent.Step, args map[string]any) (callEnd, error) {
	left := callEnd{state: step.StateSucceeded, result: k.prompts.text(promptMovedOn)}
	if s.Input != nil && *s.Input == movedOn {
		return left, nil
	}
	if s.Input != nil {
		said := untrusted.Clean(*s.Input)
		k.evidence.told = append(k.evidence.told, said)
		return callEnd{state: step.StateSucceeded, result: "<answer>\n" + inside(said) + "\n</answer>"}, nil
	}
	// A model that asks once more is told once more: the person's next question
	// waits already, and nobody is there to answer.
	again, err := k.Client.Step.Query().
		Where(step.RunID(k.row.ID), step.CopiedFromIsNil(), step.Tool(toolAskUser), step.InputEQ(movedOn)).Exist(ctx)
	if err != nil {
		return callEnd{}, fmt.Errorf("look for whether the person has moved on: %w", err)
	}
	if again {
		return left, nil
	}
	question := askedOf(args)
	return callEnd{}, k.wait(nil, KindQuestionAsked, EventBody{StepID: s.ID, Text: question.Text, Options: question.Options})
}

// movedOn stands in Step.input where the person has sent another message instead
// of an answer.
const movedOn = ""

// moveOn has a run that asks in a chat go on without an answer: the person has
// sent another message, which would wait for it. A run that waits for an approval
// waits on.
func (a *Agent) moveOn(ctx context.Context, chatID string) {
	// The client may be gone by now; what it sent would wait for ever.
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), enqueueTime)
	defer cancel()
	if err := a.letGo(ctx, chatID); err != nil {
		a.Logger.WarnContext(ctx, "a run that asks was not told of the next message", "chat", chatID, "error", err)
	}
}

func (a *Agent) letGo(ctx context.Context, chatID string) error {
	asks := []predicate.Step{step.Tool(toolAskUser), step.StateEQ(step.StateRunning), step.InputIsNil()}
	r, err := a.Client.Run.Query().
		Where(run.ChatID(chatID), run.FinishedAtIsNil(), run.StateEQ(run.StateWaiting), run.HasStepsWith(asks...)).First(ctx)
	if ent.IsNotFound(err) {
		return nil
	}
	if err != nil {
		return fmt.Errorf("look for what asks in the chat: %w", err)
	}
	_, err = a.resume(ctx, r.ID, func(ctx context.Context, tx *ent.Tx) error {
		return tx.Step.Update().Where(append(asks, step.RunID(r.ID))...).SetInput(movedOn).Exec(ctx)
	})
	if fault.Is(err, fault.Conflict) {
		return nil // it was answered, or stopped, meanwhile
	}
	return err
}

// AskedQuestion is what the model wants to know from the person.
type AskedQuestion struct {
	Text    string
	Options []string
}

func askedOf(args map[string]any) AskedQuestion {
	q := AskedQuestion{Text: untrusted.Clean(text(args, "question")), Options: []string{}}
	list, _ := args["options"].([]any) // the schema has made sure that they are texts
	for _, o := range list {
		if s, _ := o.(string); untrusted.Line(s) != "" {
			q.Options = append(q.Options, untrusted.Line(s))
		}
	}
	return q
}
