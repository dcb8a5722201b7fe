package agent

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/approval"
	"github.com/mark-analyst/mark/ent/run"
	"github.com/mark-analyst/mark/ent/step"
	"github.com/mark-analyst/mark/internal/fault"
	"github.com/mark-analyst/mark/internal/ids"
	"github.com/mark-analyst/mark/internal/storable"
	"github.com/mark-analyst/mark/internal/untrusted"
)

// maxNote is how long a person's note to a decision may be, characters.
const maxNote = 2_000

// codeRejected is the code of a step whose call a person has refused.
const codeRejected = "APPROVAL_REJECTED"

// ApprovalRequest is what a person is to decide on, as it is stored.
type ApprovalRequest struct {
	Reason string `json:"reason"`
	Code   string `json:"code,omitempty"` // the Python that is to run
	// Of a query: the statement, the tables that it reads, the bytes that it may
	// bill at most, and their price in millionths of a US dollar.
	SQL        string   `json:"sql,omitempty"`
	Tables     []string `json:"tables,omitempty"`
	Bytes      int64    `json:"bytes,omitempty"`
	CostMicros int64    `json:"costMicros,omitempty"`
}

// RequestOf reads what Approval.request holds.
func RequestOf(a *ent.Approval) (ApprovalRequest, error) {
	var r ApprovalRequest
	if err := json.Unmarshal(a.Request, &r); err != nil {
		return r, fmt.Errorf("read the stored approval %s: %w", a.ID, err)
	}
	return r, nil
}

// reviewed asks for a person's approval of each program, where the run has that.
func reviewed(_ context.Context, k *work, args map[string]any) (*ApprovalRequest, error) {
	if !k.row.ReviewCode {
		return nil, nil
	}
	return &ApprovalRequest{Reason: "Each program is to be looked at before it runs.", Code: text(args, "code")}, nil
}

// approve lets a call pass that needs no approval or has it. One that needs it
// leaves the run WAITING, and one that was refused is answered with that.
func (k *work) approve(ctx context.Context, t *tool, s *ent.Step, args map[string]any) (end callEnd, refused bool, err error) {
	if t.approval == nil || k.edited(s) { // the person has written it
		return end, false, nil
	}
	need, err := t.approval(ctx, k, args)
	if err != nil || need == nil {
		return end, false, err
	}
	if c := untrusted.Hidden(need.Code); c != 0 { // who reads it would not see what runs
		return failed("TOOL_CALL_INVALID", fmt.Sprintf("The program holds the invisible character U+%04X. Write it as an escape in a string, or leave it out.", c)), true, nil
	}
	decided, err := k.Client.Approval.Query().Where(approval.StepID(s.ID)).Only(ctx)
	switch {
	case ent.IsNotFound(err):
		return end, false, k.requestApproval(t, s, *need)
	case err != nil:
		return end, false, fmt.Errorf("look for an approval: %w", err)
	case decided.State == approval.StateApproved:
		given, err := RequestOf(decided)
		k.approved = &given // for what was shown, whatever it would cost now
		return end, false, err
	case decided.State == approval.StateRejected:
		problem := "Not run: the person has refused it. Do not try it again in the same way."
		if decided.Note != "" {
			problem += " The person says: " + decided.Note
		}
		return failed(codeRejected, problem), true, nil
	}
	// A claim that asked and did not get to leave the run WAITING: it is stored
	// in one transaction with the request, so this is not to be met.
	return end, false, fmt.Errorf("the approval %s is %s, and the run goes on", decided.ID, decided.State)
}

func (k *work) requestApproval(t *tool, s *ent.Step, need ApprovalRequest) error {
	id := ids.New(ids.Approval)
	return k.wait(func(ctx context.Context, tx *ent.Tx) error {
		if err := tx.Step.Update().Where(step.ID(s.ID)).SetTool(t.name).SetCode(storable.Text(need.Code + need.SQL)).Exec(ctx); err != nil {
			return err
		}
		return tx.Approval.Create().SetID(id).SetRunID(k.row.ID).SetStepID(s.ID).SetTool(t.name).
			SetRequest(storable.JSON(encode(need))).Exec(ctx)
	}, KindApprovalRequested, EventBody{StepID: s.ID, ApprovalID: id})
}

// Decision is what a person decides.
type Decision struct {
	Approve bool
	Note    string // for the model
}

// DecideApproval stores the viewer's decision and has the run go on. A decision
// stands: the same one again is harmless, another is a Conflict, as is one on a
// run that has ended. Errors that a person can act on are *fault.Error.
func (a *Agent) DecideApproval(ctx context.Context, id string, d Decision) (*ent.Approval, *ent.Run, error) {
	d.Note = strings.TrimSpace(untrusted.Clean(d.Note))
	if n := utf8.RuneCountInString(d.Note); n > maxNote {
		return nil, nil, fault.New(fault.BadUserInput, "The note has %d characters; at most %d are taken.", n, maxNote).OnField("note")
	}
	state := approval.StateRejected
	if d.Approve {
		state = approval.StateApproved
	}
	asked, err := a.Client.Approval.Get(ctx, id)
	if err != nil {
		return nil, nil, err
	}
	r, err := a.resume(ctx, asked.RunID, func(ctx context.Context, tx *ent.Tx) error {
		n, err := tx.Approval.Update().Where(approval.ID(id), approval.StateEQ(approval.StatePending)).
			SetState(state).SetNote(storable.Text(d.Note)).SetDecidedAt(a.Clock.Now()).Save(ctx)
		if err != nil {
			return fmt.Errorf("store the decision: %w", err)
		}
		if n == 0 {
			return fault.New(fault.Conflict, "This was decided already.")
		}
		return nil
	})
	if fault.Is(err, fault.Conflict) {
		r, err = a.decidedBefore(ctx, id, state)
	}
	if err != nil {
		return nil, nil, err
	}
	decided, err := a.Client.Approval.Get(ctx, id)
	return decided, r, err
}

// decidedBefore is the run of an approval that was decided in the same way; else
// it says what is in the way.
func (a *Agent) decidedBefore(ctx context.Context, id string, state approval.State) (*ent.Run, error) {
	found, err := a.Client.Approval.Query().Where(approval.ID(id)).WithRun().Only(ctx)
	if err != nil {
		return nil, err
	}
	switch found.State {
	case state:
		return found.Edges.Run, nil
	case approval.StateApproved:
		return nil, fault.New(fault.Conflict, "This was approved already.").OnField("approvalId")
	case approval.StateRejected:
		return nil, fault.New(fault.Conflict, "This was rejected already.").OnField("approvalId")
	}
	return nil, fault.New(fault.Conflict, "The run has ended or is being stopped; nothing is to be decided any more.").OnField("approvalId")
}

// withdraw marks what nobody has decided when a run ends.
func withdraw(ctx context.Context, tx *ent.Tx, r *ent.Run) error {
	if r.Handovers == 0 && r.State != run.StateWaiting {
		return nil // it never waited
	}
	err := tx.Approval.Update().Where(approval.RunID(r.ID), approval.StateEQ(approval.StatePending)).
		SetState(approval.StateWithdrawn).Exec(ctx)
	if err != nil {
		return fmt.Errorf("withdraw what was asked: %w", err)
	}
	return nil
}
