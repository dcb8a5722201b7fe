package agent

import (
	"crypto/sha256"
	"encoding/json"
	"regexp"

	"github.com/mark-analyst/mark/internal/dialogue"
)

// The same call with the same result is warned of at the second time; at the
// third the model has to answer.
const (
	warnAt = 2
	stopAt = 3
)

// stepNumbers matches what of a result is new each time: the names of outputs,
// and of the cell in a traceback.
var stepNumbers = regexp.MustCompile(`<cell \d+>|\[s\d+\.`)

// loopDetector counts calls by tool, arguments and result.
type loopDetector struct {
	seen map[[sha256.Size]byte]int
}

// count adds a call and returns how often it was made with this result.
func (l *loopDetector) count(c dialogue.ToolCall, result string) int {
	if l.seen == nil {
		l.seen = map[[sha256.Size]byte]int{}
	}
	args := c.Arguments
	var v any
	if json.Unmarshal([]byte(args), &v) == nil {
		args = string(encode(v)) // sorted keys, no spaces
	}
	key := sha256.Sum256(encode([]string{c.Name, args, stepNumbers.ReplaceAllString(result, "")}))
	l.seen[key]++
	return l.seen[key]
}

// warn is what is added to the result of a call that was made before with the
// same result.
func (k *work) warn(c dialogue.ToolCall, end callEnd) string {
	switch n := k.loops.count(c, end.result); {
	case n >= stopAt:
		k.mustEnd = true
		return "\n" + k.prompts.text(promptLoopEnd)
	case n >= warnAt:
		return "\n" + k.prompts.text(promptLoop)
	}
	return ""
}
