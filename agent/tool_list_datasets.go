package agent

import (
	"context"
	"unicode/utf8"

	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/dataset"
	"github.com/mark-analyst/mark/ent/step"
	"github.com/mark-analyst/mark/internal/untrusted"
)

// listed is a dataset as list_datasets tells it.
type listed struct {
	ID   string `json:"id"`
	Name string `json:"name"`
	File string `json:"file,omitempty"`
	tableFacts
	Rows    *int64 `json:"rows,omitempty"`
	Columns int    `json:"columns"`
	State   string `json:"state"`
	Error   string `json:"error,omitempty"`
}

func listDatasets(_ context.Context, k *work, _ *ent.Step, _ map[string]any) (callEnd, error) {
	list := struct {
		Datasets []listed `json:"datasets"`
		// More is how many are left out for want of room.
		More int `json:"moreDatasets,omitempty"`
	}{Datasets: []listed{}}
	for _, d := range k.datasets {
		entry := listed{
			ID: d.ID, Name: untrusted.Line(d.Name), tableFacts: k.tableFacts(d),
			Rows: d.RowCount, Columns: len(d.Edges.Columns), State: d.State.String(),
		}
		if !isTable(d) {
			entry.File = untrusted.Line(k.fileName(d))
		}
		if d.State == dataset.StateFailed {
			entry.Error = untrusted.Line(d.ErrorMessage)
		}
		list.Datasets = append(list.Datasets, entry)
	}
	for {
		raw := string(encode(list))
		if utf8.RuneCountInString(raw) <= k.Limits.ResultCharacters || len(list.Datasets) == 0 {
			return callEnd{state: step.StateSucceeded, result: raw}, nil
		}
		list.Datasets = list.Datasets[:len(list.Datasets)-1]
		list.More++
	}
}
