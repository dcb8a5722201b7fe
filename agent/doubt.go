package agent

import (
	"strings"

	"github.com/mark-analyst/mark/ent"
)

// CodeUnsupported is the error of a step whose answer was sent back.
const CodeUnsupported = "ANSWER_UNSUPPORTED"

// doubt sends an answer back that rests on what no step has shown: told is what
// the model is to be told, "" where the answer stands, and end how the step
// ended. It does so once in a run: most models then compute what they had made
// up, and of the others the answer is taken with its checks. What people have
// seen of it is withdrawn.
func (k *work) doubt(s *ent.Step, a *Answer) (told string, end callEnd, err error) {
	if ended(s) { // an earlier claim has decided, and the data may have changed since
		if s.ErrorCode != CodeUnsupported {
			return "", callEnd{}, nil
		}
		k.doubted, k.mustCall = true, true
		end, err = storedEnd(s)
		return untagged(end.result), end, err
	}
	var found []string
	for _, c := range a.Checks {
		if c.Code == CheckNoEvidence || c.Code == CheckNoOutput {
			found = append(found, c.Text)
		}
	}
	// The offline analyst has no second way to its numbers.
	if len(found) == 0 || k.doubted || k.llm.Offline || k.mustEnd || k.steps >= k.Limits.Steps {
		return "", callEnd{}, nil
	}
	k.doubted, k.mustCall = true, true
	if err := k.rec.event(KindAttemptDiscarded, EventBody{StepID: s.ID}); err != nil {
		return "", callEnd{}, err
	}
	problems := clip(strings.Join(found, " "), 1_000)
	told = k.prompts.doubt(problems)
	end = failed(CodeUnsupported, told)
	end.message = "The answer was sent back to the model. " + problems
	return told, end, nil
}
