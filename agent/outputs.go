package agent

import (
	"encoding/json"
	"fmt"
	"time"

	"github.com/mark-analyst/mark/internal/execution"
)

// Output is a rich output as it is stored with its step and in events. Name is
// how evidence refers to it: "s2.o1" is the first output of step 2, "s2.stdout"
// and "s2.stderr" are what it printed.
type Output struct {
	Name     string           `json:"name"`
	Title    string           `json:"title,omitempty"`
	MIME     string           `json:"mimeType"`
	Text     string           `json:"text,omitempty"`
	JSON     json.RawMessage  `json:"json,omitempty"`
	Table    *execution.Table `json:"table,omitempty"`
	Artifact *Artifact        `json:"artifact,omitempty"`
}

// Artifact is a stored file, with all that is shown of it, so that showing an
// output costs no further query.
type Artifact struct {
	ID        string    `json:"id"`
	Name      string    `json:"name"`
	MIME      string    `json:"mimeType"`
	SizeBytes int64     `json:"sizeBytes"`
	CreatedAt time.Time `json:"createdAt"`
}

// Outputs reads what Step.outputs holds; nothing stored is no output.
func Outputs(raw json.RawMessage) ([]Output, error) {
	if len(raw) == 0 {
		return nil, nil
	}
	var outs []Output
	if err := json.Unmarshal(raw, &outs); err != nil {
		return nil, fmt.Errorf("read stored outputs: %w", err)
	}
	return outs, nil
}

// outputName is the name of the n-th rich output (from 1) of a step.
func outputName(step, n int) string { return fmt.Sprintf("s%d.o%d", step, n) }

// streamName is the name of what a step printed.
func streamName(step int, s execution.Stream) string { return fmt.Sprintf("s%d.%s", step, s) }

// isChart tells whether an output is something to look at.
func (o Output) isChart() bool {
	return o.MIME == execution.MIMEPlotly || o.MIME == execution.MIMEPNG
}
