package agent

import (
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"

	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/internal/untrusted"
)

// CodeException is a step's code where its Python raised, over no limit.
const CodeException = "PYTHON_EXCEPTION"

// outcomeSucceeded is the outcome of code that came to its end.
const outcomeSucceeded = "SUCCEEDED"

// maxException is how much of an exception's name is recorded, characters.
const maxException = 200

// Audit is the record of code that a step executed. Whoever may ask what ran in
// a chat finds it here; it stops nothing.
type Audit struct {
	SHA256 string `json:"sha256"` // of the code as it was executed
	WallMs int64  `json:"wallMs"`
	// RemadeMs is how long earlier programs took that were run again before it, for
	// the variables that it began with.
	RemadeMs int64 `json:"remadeMs,omitempty"`
	// Outcome is "SUCCEEDED", CodeException, or a code of package execution:
	// the limit that was met, PYTHON_CANCELLED, PYTHON_DIED, ….
	Outcome   string                 `json:"outcome"`
	Ended     bool                   `json:"ended,omitempty"`     // the session, and its variables with it
	Exception string                 `json:"exception,omitempty"` // its class
	Notices   []execution.NoticeCode `json:"notices,omitempty"`   // of what was not kept
	Reported  Reported               `json:"reported"`
}

// Reported is what the session says of its own step. Code that ran in it before
// may have changed what it says: it is a hint, and no proof.
type Reported struct {
	Facts *execution.Facts `json:"facts,omitempty"`
	Usage *execution.Usage `json:"usage,omitempty"`
}

// newAudit records one execution of code.
func newAudit(code string, result execution.Result, err error) *Audit {
	sum := sha256.Sum256([]byte(code))
	a := &Audit{
		SHA256: hex.EncodeToString(sum[:]), WallMs: result.Duration.Milliseconds(), Outcome: outcomeSucceeded,
		Reported: Reported{Facts: result.Facts, Usage: result.Usage},
	}
	if f := result.Failure; f != nil {
		a.Outcome, a.Exception = failureCode(f), clip(untrusted.Line(f.Name), maxException)
	}
	for _, n := range result.Notices {
		a.Notices = append(a.Notices, n.Code)
	}
	var broken *execution.Error
	switch {
	case errors.As(err, &broken):
		a.Outcome, a.Ended = string(broken.Code), broken.Fatal
	case err != nil:
		a.Outcome = CodeInternal
	}
	return a
}

// pythonMs is the time of Python that the step used, as budgets count it.
func (a *Audit) pythonMs() int64 { return a.WallMs + a.RemadeMs }

// AuditOf reads what Step.audit holds; nil where no code ran.
func AuditOf(raw json.RawMessage) (*Audit, error) {
	if len(raw) == 0 {
		return nil, nil
	}
	var a Audit
	if err := json.Unmarshal(raw, &a); err != nil {
		return nil, fmt.Errorf("read a stored audit record: %w", err)
	}
	return &a, nil
}
