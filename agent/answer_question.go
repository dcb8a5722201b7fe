package agent

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/step"
	"github.com/mark-analyst/mark/internal/fault"
	"github.com/mark-analyst/mark/internal/storable"
	"github.com/mark-analyst/mark/internal/untrusted"
)

// AnswerQuestion gives the viewer's answer to what a run has asked, and has it go
// on. Errors that a person can act on are *fault.Error: Conflict where the run
// asks nothing.
func (a *Agent) AnswerQuestion(ctx context.Context, runID, said string) (*ent.Run, error) {
	said = strings.TrimSpace(untrusted.Clean(said))
	switch length := utf8.RuneCountInString(said); {
	case said == "":
		return nil, fault.New(fault.BadUserInput, "The answer is empty.").OnField("text")
	case length > a.Limits.QuestionCharacters:
		return nil, fault.New(fault.LimitExceeded, "The answer has %d characters; at most %d are taken.", length, a.Limits.QuestionCharacters).OnField("text")
	}
	if _, err := a.Client.Run.Get(ctx, runID); err != nil {
		return nil, err
	}
	return a.resume(ctx, runID, func(ctx context.Context, tx *ent.Tx) error {
		n, err := tx.Step.Update().
			Where(step.RunID(runID), step.Tool(toolAskUser), step.StateEQ(step.StateRunning), step.InputIsNil()).
			SetInput(storable.Text(said)).Save(ctx)
		if err != nil {
			return fmt.Errorf("store the answer: %w", err)
		}
		if n == 0 {
			return fault.New(fault.Conflict, "The run waits for an approval, not for an answer.").OnField("runId")
		}
		return nil
	})
}

// Asking is what the step of a run that waits asks the person; ok is false where
// it asks nothing.
func Asking(s *ent.Step) (q AskedQuestion, ok bool) {
	if s.Tool != toolAskUser || s.State != step.StateRunning || s.Input != nil {
		return q, false
	}
	var args map[string]any
	if err := json.Unmarshal([]byte(s.Arguments), &args); err != nil {
		return q, false
	}
	return askedOf(args), true
}
