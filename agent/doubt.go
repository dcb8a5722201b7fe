package agent

import (
	"strings"

	"github.com/mark-analyst/mark/ent"
)

// CodeUnsupported is the error of a step whose answer was sent back.
const CodeUnsupported = "ANSWER_UNSUPPORTED"

// doubt sends an answer back that rests on what no step has shown, and returns
// what the model is to be told; "" where the answer stands. It does so once in a
// run: most models then compute what they had made up, and of the others the
// answer is taken with its checks. What people have seen of it is withdrawn.
func (k *work) doubt(s *ent.Step, a *Answer) (string, error) {
	var problems []string
	for _, c := range a.Checks {
		if c.Code == CheckNoEvidence || c.Code == CheckNoOutput {
			problems = append(problems, c.Text)
		}
	}
	// The offline analyst has no second way to its numbers.
	if len(problems) == 0 || k.doubted || k.llm.Offline || k.mustEnd || k.steps >= k.Limits.Steps {
		return "", nil
	}
	k.doubted = true
	if err := k.rec.event(KindAttemptDiscarded, EventBody{StepID: s.ID}); err != nil {
		return "", err
	}
	return k.prompts.doubt(clip(strings.Join(problems, " "), 1_000)), nil
}
