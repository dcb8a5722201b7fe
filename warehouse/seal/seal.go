// Package seal marks the plans of a connection, so that one that was changed, or
// that another made, is known.
package seal

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"time"

	"github.com/mark-analyst/mark/internal/units"
	"github.com/mark-analyst/mark/warehouse"
	"github.com/mark-analyst/mark/warehouse/guard"
)

// Sealer marks plans. Its key lives as long as the connection.
type Sealer struct{ key [32]byte }

// New returns a Sealer with a key of its own.
func New() (*Sealer, error) {
	s := &Sealer{}
	if _, err := rand.Read(s.key[:]); err != nil {
		return nil, fmt.Errorf("a key for plans: %w", err)
	}
	return s, nil
}

// Seal marks the plan, whose parameters must be such as JSON holds.
func (s *Sealer) Seal(plan *warehouse.Plan) error {
	seal, err := s.of(*plan)
	if err != nil {
		return &warehouse.Error{Code: warehouse.CodeInvalidParameter, Message: "The parameters cannot be written as JSON.", Err: err}
	}
	plan.Seal = seal
	return nil
}

func (s *Sealer) of(plan warehouse.Plan) (string, error) {
	plan.Approval, plan.Seal = nil, ""
	// As JSON a plan that was stored and read again is the same as before.
	data, err := json.Marshal(plan)
	if err != nil {
		return "", err
	}
	mac := hmac.New(sha256.New, s.key[:])
	mac.Write(data)
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil)), nil
}

// good tells whether the plan is as it was sealed and not too old.
func (s *Sealer) good(plan warehouse.Plan, now time.Time) bool {
	seal, err := s.of(plan)
	age := now.Sub(plan.PlannedAt)
	return err == nil && hmac.Equal([]byte(seal), []byte(plan.Seal)) && age <= warehouse.MaxPlanAge && age >= -time.Minute
}

// Runnable tells why a plan cannot be run, or nil.
func (s *Sealer) Runnable(plan warehouse.Plan, now time.Time) error {
	if !s.good(plan, now) {
		return &warehouse.Error{Code: warehouse.CodePlanStale, Message: "The plan is too old or not one of this connection. Plan the statement again."}
	}
	switch {
	case plan.Verdict == warehouse.Allowed:
		return nil
	case plan.Verdict != warehouse.NeedsApproval:
		return &warehouse.Error{Code: warehouse.CodeForbiddenSQL, Message: plan.Reason}
	case plan.Approval == nil || plan.Approval.By == "":
		return &warehouse.Error{Code: warehouse.CodeApprovalNeeded, Message: plan.Reason}
	case plan.Approval.Billed < plan.Billed:
		return &warehouse.Error{Code: warehouse.CodeApprovalNeeded, Message: fmt.Sprintf(
			"It may bill %s (%s) now, and %s were approved. Ask again.", units.Bytes(plan.Billed), guard.Price(plan.CostMicros), units.Bytes(plan.Approval.Billed))}
	}
	return nil
}
