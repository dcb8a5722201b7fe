package agent

import (
	"context"
	"errors"
	"fmt"
	"slices"

	"entgo.io/ent/dialect/sql"
	"entgo.io/ent/dialect/sql/sqljson"

	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/message"
	"github.com/mark-analyst/mark/ent/predicate"
	"github.com/mark-analyst/mark/ent/run"
	"github.com/mark-analyst/mark/ent/step"
	"github.com/mark-analyst/mark/internal/execution"
)

// A point is the state of Python's variables after a step, named by the step's
// id; "" is the state before any. Copies of steps share the point of the first.

// maxRemade is how many programs are run again where a point is not kept.
const maxRemade = 50

// pointOf is the point that a step has left.
func pointOf(s *ent.Step) string {
	if s.CopiedFrom != "" {
		return s.CopiedFrom
	}
	return s.ID
}

// ranPython selects the steps that ran a program and left a point: one that ended
// its session has left none, and the next program began with what was there before.
var ranPython = step.And(step.Tool(toolRunPython), step.AuditNotNil(), predicate.Step(func(s *sql.Selector) {
	s.Where(sql.Not(sqljson.HasKey(s.C(step.FieldAudit), sqljson.Path("ended"))))
}))

// ranHere leaves out the copies with which an edited run begins: they stand for
// what ran in the run that it is based on.
var ranHere = predicate.Step(func(s *sql.Selector) {
	r := sql.Table(run.Table)
	s.Where(sql.Exists(sql.Select().From(r).Where(sql.And(
		sql.ColumnsEQ(r.C(run.FieldID), s.C(step.FieldRunID)),
		sql.ColumnsLTE(r.C(run.FieldEditedIndex), s.C(step.FieldIndex)),
	))))
})

// pointBefore is the point that a step of a run began at, whether it is there
// or not.
func (a *Agent) pointBefore(ctx context.Context, r *ent.Run, index int) (string, error) {
	own, err := a.Client.Step.Query().Where(step.RunID(r.ID), step.IndexLT(index), ranPython).
		Order(ent.Desc(step.FieldIndex)).Select(step.FieldCopiedFrom).First(ctx)
	switch {
	case err == nil:
		return pointOf(own), nil
	case !ent.IsNotFound(err):
		return "", fmt.Errorf("find the program before: %w", err)
	case index < r.EditedIndex && r.BasedOnID != nil: // the step is a copy
		original, err := a.Client.Run.Get(ctx, *r.BasedOnID)
		if err != nil {
			return "", fmt.Errorf("read the run that was changed: %w", err)
		}
		return a.pointBefore(ctx, original, index)
	case r.RewindTo != nil:
		return *r.RewindTo, nil
	}
	before := []predicate.Step{ranPython, ranHere, step.HasRunWith(run.ChatID(r.ChatID))}
	if r.StartedAt != nil {
		before = append(before, step.StartedAtLT(*r.StartedAt))
	} else { // it has never begun: it would have followed the questions before
		question, err := a.Client.Message.Get(ctx, r.QuestionID)
		if err != nil {
			return "", fmt.Errorf("read the run's question: %w", err)
		}
		before = append(before, step.HasRunWith(run.HasQuestionWith(message.SeqLT(question.Seq))))
	}
	earlier, err := a.Client.Step.Query().Where(before...).
		Order(ent.Desc(step.FieldStartedAt), ent.Desc(step.FieldIndex)).Select(step.FieldCopiedFrom).First(ctx)
	if ent.IsNotFound(err) {
		return "", nil
	}
	if err != nil {
		return "", fmt.Errorf("find the program before: %w", err)
	}
	return pointOf(earlier), nil
}

// branched tells whether the chat's variables are to be those of the chat that it
// is a copy of, because no program has left any here.
func (k *work) branched(ctx context.Context) (bool, error) {
	last, err := k.Client.Step.Query().Where(ranPython, ranHere, step.HasRunWith(run.ChatID(k.row.ChatID))).
		Order(ent.Desc(step.FieldStartedAt), ent.Desc(step.FieldIndex)).Select(step.FieldCopiedFrom).First(ctx)
	if ent.IsNotFound(err) {
		return false, nil
	}
	if err != nil {
		return false, fmt.Errorf("find the program before: %w", err)
	}
	return last.CopiedFrom != "", nil
}

// rewind has the chat's variables be as they were at the point that the run asks
// for. Where that is lost they begin afresh, and the programs that led to it are
// returned, to be run again.
func (k *work) rewind(ctx context.Context) (lost bool, programs []string, err error) {
	if k.base == nil {
		return false, nil, nil
	}
	err = k.Sandbox.Rewind(ctx, k.row.ChatID, *k.base)
	if errors.Is(err, execution.ErrNoPoint) {
		lost = true
		if programs, err = k.programsTo(ctx, *k.base); err != nil {
			return lost, nil, err
		}
		err = k.Sandbox.Rewind(ctx, k.row.ChatID, "")
	}
	if err != nil {
		return lost, nil, fmt.Errorf("go back to earlier variables: %w", err)
	}
	k.base = nil
	return lost, programs, nil
}

// programsTo are the programs that led to a point of this chat, in order; none
// where they are too many.
func (k *work) programsTo(ctx context.Context, point string) ([]string, error) {
	var programs []string
	for point != "" {
		s, err := k.Client.Step.Query().
			Where(step.Or(step.ID(point), step.CopiedFrom(point)), step.HasRunWith(run.ChatID(k.row.ChatID))).
			Order(ent.Asc(step.FieldCreatedAt), ent.Asc(step.FieldID)).WithRun().First(ctx)
		if ent.IsNotFound(err) || len(programs) == maxRemade {
			return nil, nil
		}
		if err != nil {
			return nil, fmt.Errorf("find the programs to run again: %w", err)
		}
		programs = append(programs, s.Code)
		if point, err = k.pointBefore(ctx, s.Edges.Run, s.Index); err != nil {
			return nil, err
		}
	}
	slices.Reverse(programs)
	return programs, nil
}

// remake runs programs once more for what they leave in the variables. It notes the
// time they took, and what the model and the person are told of it.
func (p *python) remake(ctx context.Context, k *work, programs []string) error {
	failed := 0
	for _, code := range programs {
		result, err := p.Run(ctx, code, execution.Host{Emit: func(execution.Event) {}, Call: k.answerCall})
		p.remadeMs += result.Duration.Milliseconds()
		var broken *execution.Error
		switch {
		case errors.As(err, &broken) && !broken.Fatal && broken.Code != execution.CodeUnavailable && ctx.Err() == nil, result.Failure != nil:
			failed++
		case err != nil:
			return fmt.Errorf("run the earlier programs again: %w", err)
		}
	}
	switch {
	case len(programs) == 0:
		p.notice = "The variables as they were before this program are not kept any more. Python has started afresh: load the data again."
	case len(programs) == 1 && failed == 0:
		p.notice = "The variables as they were before this program are not kept any more: the program before it was run again."
	case len(programs) == 1:
		p.notice = "The variables as they were before this program are not kept any more: the program before it was run again, and failed."
	case failed > 0:
		p.notice = fmt.Sprintf("The variables as they were before this program are not kept any more: the %d programs before it were run again, and %d of them failed.", len(programs), failed)
	default:
		p.notice = fmt.Sprintf("The variables as they were before this program are not kept any more: the %d programs before it were run again.", len(programs))
	}
	return nil
}
