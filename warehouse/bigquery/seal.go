package bigquery

import (
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"time"

	"github.com/mark-analyst/mark/warehouse"
)

// sealer marks plans so that one that was changed, or that another made, is
// known. Its key lives as long as the connection.
type sealer struct{ key [32]byte }

func (s *sealer) of(plan warehouse.Plan) (string, error) {
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
func (s *sealer) good(plan warehouse.Plan, now time.Time) bool {
	seal, err := s.of(plan)
	age := now.Sub(plan.PlannedAt)
	return err == nil && hmac.Equal([]byte(seal), []byte(plan.Seal)) && age <= warehouse.MaxPlanAge && age >= -time.Minute
}
