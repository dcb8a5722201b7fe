package agent

import (
	"crypto/sha256"
	"encoding/json"
	"regexp"
	"strings"

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
	last map[string]string // a call's latest result
}

// count adds a call and returns how often it was made with this result.
func (l *loopDetector) count(c dialogue.ToolCall, result string) int {
	if l.seen == nil {
		l.seen, l.last = map[[sha256.Size]byte]int{}, map[string]string{}
	}
	call := nameOf(c)
	l.last[call] = result
	key := sha256.Sum256(encode([]string{call, stepNumbers.ReplaceAllString(result, "")}))
	l.seen[key]++
	return l.seen[key]
}

// nameOf is a call by tool and arguments.
func nameOf(c dialogue.ToolCall) string {
	args := c.Arguments
	var v any
	if json.Unmarshal([]byte(args), &v) == nil {
		args = string(encode(v)) // sorted keys, no spaces
	}
	return string(encode([]string{c.Name, args}))
}

// toldAgain is how long a result may be to be told again with the warning,
// characters: a dataset's description three times over takes half of a small
// model's context.
const toldAgain = 500

// warn gives back a call's result as the model is told it: one that the very
// same call had before comes with a warning, and where it is long without what
// stands above already.
func (k *work) warn(c dialogue.ToolCall, result string) string {
	n := k.loops.count(c, result)
	if n < warnAt {
		return result
	}
	hint := promptLoop
	if n >= stopAt {
		k.mustEnd = true
		hint = promptLoopEnd
	}
	if len(result) > toldAgain && k.prompt.cuts == 0 && !k.prompt.cleared {
		return k.prompts.text(hint)
	}
	return result + "\n" + k.prompts.text(hint)
}

// recount is warn for a call of an earlier claim, whose result is stored as the
// model was told it: with the warning, or as nothing but that.
func (k *work) recount(c dialogue.ToolCall, told string) {
	for _, name := range []string{promptLoop, promptLoopEnd} {
		result, warned := strings.CutSuffix(told, k.prompts.text(name))
		if !warned {
			continue
		}
		k.mustEnd = k.mustEnd || name == promptLoopEnd
		if told = strings.TrimSuffix(result, "\n"); told == "" {
			told = k.loops.last[nameOf(c)]
		}
	}
	k.loops.count(c, told)
}
