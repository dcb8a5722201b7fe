package agent

import (
	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/step"
	"github.com/mark-analyst/mark/eventlog"
)

// editedNote is what the model is told of a program that it did not write.
const editedNote = "(The person has changed this program; what stands in the call is what ran.)\n"

// edited tells whether a step is the one whose code a person has changed.
func (k *work) edited(s *ent.Step) bool { return s.Index == k.row.EditedIndex }

// copied tells whether a step's reply was asked for, and counted, in the run that
// this one is based on.
func (k *work) copied(s *ent.Step) bool { return s.Index <= k.row.EditedIndex }

// tellCopies are the events that tell of the steps with which a run begins.
func (k *work) tellCopies() []eventlog.Entry {
	var entries []eventlog.Entry
	for _, s := range k.stored {
		entries = append(entries, eventlog.Entry{Kind: KindStepStarted, Body: encode(EventBody{StepID: s.ID, Index: s.Index, Tool: s.Tool, At: &s.StartedAt})})
		if ended(s) {
			entries = append(entries, eventlog.Entry{Kind: KindStepFinished, Body: encode(EventBody{StepID: s.ID})})
		}
	}
	return entries
}

// showEdited answers with what came out of the changed step, where the person
// wants no more.
func (k *work) showEdited(end callEnd) {
	if end.state != step.StateSucceeded {
		k.answer = k.compose(finalArgs{Story: "The changed program failed: " + end.message})
		return
	}
	f := finalArgs{Story: "The changed program has run; what it shows is here. Mark was not asked to say more."}
	for _, o := range end.outputs {
		if o.Table != nil {
			f.Tables = append(f.Tables, named{Output: o.Name})
		}
	}
	k.answer = k.compose(f)
}
