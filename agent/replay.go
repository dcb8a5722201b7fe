package agent

import (
	"context"
	"encoding/json"
	"fmt"

	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/run"
	"github.com/mark-analyst/mark/ent/step"
	"github.com/mark-analyst/mark/internal/crashpoint"
	"github.com/mark-analyst/mark/internal/dialogue"
)

// A run that was begun by a node that is gone goes on from its rows. The same
// loop runs again, and what is stored stands in for what costs or has effects:
// the model's replies, and what Python did. Everything else is computed anew, so
// that nothing but the rows has to outlive a node. What was stored already is not
// stored or told again.

// codeInterrupted is the code of a step whose end nobody knows.
const codeInterrupted = "STEP_INTERRUPTED"

// unknownEnd is what the model is told of a call that was going on when its node
// was lost.
const unknownEnd = "Unavailable: the service was interrupted while this ran, and its result is lost. Do not assume that it ran. Check what is there before it is run again."

// recall reads the steps that an earlier claim of the run has stored.
func (k *work) recall(ctx context.Context) error {
	k.base = k.row.RewindTo
	if k.first != nil || k.row.State == run.StateQueued && k.row.EditedIndex == 0 {
		return nil
	}
	steps, err := k.Client.Step.Query().Where(step.RunID(k.row.ID)).Order(ent.Asc(step.FieldIndex)).All(ctx)
	if err != nil {
		return fmt.Errorf("read the run's steps: %w", err)
	}
	k.stored = steps
	for _, s := range steps {
		if s.Index >= k.row.EditedIndex && s.Tool == toolRunPython && len(s.Audit) > 0 {
			k.base = nil // it was rewound for this one; of one whose end nobody knows that is not known either
		}
	}
	return nil
}

// next takes the next stored step, or none.
func (k *work) next() *ent.Step {
	if len(k.stored) == 0 {
		return nil
	}
	s := k.stored[0]
	k.stored = k.stored[1:]
	return s
}

// ended tells whether an earlier claim has stored the step's end. Steps of this
// claim keep the row as it was when they began.
func ended(s *ent.Step) bool { return s.Result != nil }

// started tells whether an earlier claim has stored that the step's call is made.
func started(s *ent.Step) bool { return s.CallID != "" || s.Arguments != "" }

// storedReply is the model's reply of a step, where it is stored.
func storedReply(s *ent.Step) (reply dialogue.Reply, ok bool, err error) {
	if len(s.Reply) == 0 || crashpoint.Without(crashpoint.Replay) {
		return reply, false, nil
	}
	if err := json.Unmarshal(s.Reply, &reply); err != nil {
		return reply, false, fmt.Errorf("read the stored reply of step %d: %w", s.Index, err)
	}
	return reply, true, nil
}

// storedEnd is how a step ended, as it is stored.
func storedEnd(s *ent.Step) (callEnd, error) {
	end := callEnd{state: s.State, result: *s.Result, code: s.ErrorCode, message: s.ErrorMessage}
	if len(s.Outputs) > 0 {
		if err := json.Unmarshal(s.Outputs, &end.outputs); err != nil {
			return end, fmt.Errorf("read the stored outputs of step %d: %w", s.Index, err)
		}
	}
	return end, nil
}

// replay is what came of a call that an earlier claim has started: its stored
// end, or that it is not known. Calls without an effect are made again, for what
// they do to the work's own memory; only their end is the stored one. Done is
// false where the call is still to be made.
func (k *work) replay(ctx context.Context, t *tool, s *ent.Step, args map[string]any) (end callEnd, done bool, err error) {
	switch {
	case !started(s) && ended(s):
		end, err = storedEnd(s) // it was refused, under limits that may be others now
		return end, true, err
	case !started(s):
		return end, false, nil // the reply was stored, and nothing was done about it
	case !t.effects && !ended(s):
		return end, false, nil
	case !t.effects:
		if again, err := t.run(ctx, k, s, args); err != nil {
			return again, true, err
		}
		end, err = storedEnd(s)
		return end, true, err
	case !ended(s):
		k.ran = true
		if err := k.recountRan(s); err != nil {
			return end, true, err
		}
		return failed(codeInterrupted, unknownEnd), true, nil
	}
	k.ran = true
	if end, err = storedEnd(s); err != nil {
		return end, true, err
	}
	k.evidence.add(s, end.outputs)
	k.countInline(end.outputs)
	k.loaded = k.loaded || end.state == step.StateSucceeded
	return end, true, k.recountRan(s)
}

// recountRan counts what a step used that an earlier claim ran.
func (k *work) recountRan(s *ent.Step) error {
	if s.CopiedFrom != "" {
		return nil // it ran in another run
	}
	if err := k.recountQueries(s); err != nil {
		return err
	}
	made, err := Outputs(s.Outputs)
	if err != nil {
		return fmt.Errorf("step %d: %w", s.Index, err)
	}
	k.usage.OutputBytes += outputBytes(made)
	ran, err := AuditOf(s.Audit)
	if err != nil {
		return fmt.Errorf("step %d: %w", s.Index, err)
	}
	if ran != nil {
		k.usage.PythonMs += ran.pythonMs()
	}
	return nil
}
