package agent

import (
	"github.com/mark-analyst/mark/ent"
)

// CodeNotComputed is the error of a step whose reply gave up, and was sent back.
const CodeNotComputed = "ANSWER_NOT_COMPUTED"

// gaveUp sends a reply in plain text back where the last program raised an exception
// and none has come to its end: told is what the model is to be told, "" where the
// reply stands, and end how the step ended. Small models announce then what they would
// do, or ask for the data that they have. It does so once in a run: who says why it
// cannot be computed is believed.
func (k *work) gaveUp(s *ent.Step) (told string, end callEnd, err error) {
	if ended(s) { // an earlier claim has decided
		if s.ErrorCode != CodeNotComputed {
			return "", callEnd{}, nil
		}
		k.pressed, k.mustCall = true, true
		end, err = storedEnd(s)
		return untagged(end.result), end, err
	}
	if !k.raised || k.loaded || k.pressed || k.llm.Offline || k.mustEnd || k.steps >= k.Limits.Steps {
		return "", callEnd{}, nil
	}
	k.pressed, k.mustCall = true, true
	if err := k.rec.event(KindAttemptDiscarded, EventBody{StepID: s.ID}); err != nil {
		return "", callEnd{}, err
	}
	told = k.prompts.text(promptGaveUp)
	end = failed(CodeNotComputed, told)
	end.message = "The reply was sent back to the model: its program had failed, and nothing was computed."
	return told, end, nil
}
