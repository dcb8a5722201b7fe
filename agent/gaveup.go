package agent

import (
	"regexp"

	"github.com/mark-analyst/mark/ent"
)

// CodeNotComputed is the error of a step whose reply gave up, and was sent back.
const CodeNotComputed = "ANSWER_NOT_COMPUTED"

// program matches the beginning of a block of Python in a text.
var program = regexp.MustCompile("(?mi)^\\s*```\\s*(?:python|py)\\b")

// gaveUp sends a reply in plain text back where no program has come to its end, and
// the last one raised an exception or the reply holds one that nobody has run: told is
// what the model is to be told, "" where the reply stands, and end how the step ended.
// Small models announce then what they would do, or ask for the data that they have.
// It does so once in a run: who says why it cannot be computed is believed.
func (k *work) gaveUp(s *ent.Step, said string) (told string, end callEnd, err error) {
	if ended(s) { // an earlier claim has decided
		if s.ErrorCode != CodeNotComputed {
			return "", callEnd{}, nil
		}
		k.pressed, k.mustCall = true, true
		end, err = storedEnd(s)
		return untagged(end.result), end, err
	}
	unrun := !k.raised && len(k.datasets) > 0 && program.MatchString(said)
	if !k.raised && !unrun || k.loaded || k.pressed || k.llm.Offline || k.mustEnd || k.steps >= k.Limits.Steps {
		return "", callEnd{}, nil
	}
	k.pressed, k.mustCall = true, true
	if err := k.rec.event(KindAttemptDiscarded, EventBody{StepID: s.ID}); err != nil {
		return "", callEnd{}, err
	}
	text, why := promptGaveUp, "its program had failed"
	if unrun {
		text, why = promptNotRun, "it holds a program that was not run"
	}
	told = k.prompts.text(text)
	end = failed(CodeNotComputed, told)
	end.message = "The reply was sent back to the model: " + why + ", and nothing was computed."
	return told, end, nil
}
