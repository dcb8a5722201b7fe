package agent_test

import (
	"strings"
	"testing"

	"github.com/mark-analyst/mark/agent"
)

// Models call a dataset by a part of its name.
func TestADatasetIsFoundByAPartOfItsName(t *testing.T) {
	for asked, found := range map[string]string{
		"penguins": "Palmer penguins.csv", "PALMER": "Palmer penguins.csv", "sales": "", "sales 2025": "sales 2025.csv", "csv": "", "": "",
	} {
		t.Run(asked, func(t *testing.T) {
			b := newBench(t, databases.SQLite(t), nil)
			var ids []string
			for _, name := range []string{"Palmer penguins.csv", "sales 2024.csv", "sales 2025.csv"} {
				ids = append(ids, b.dataset(name).ID)
			}
			b.model.then(calls("describe_dataset", `{"name":"`+asked+`"}`), says("Done."))
			b.ask(agent.Question{Text: "q", DatasetIDs: ids})
			m := b.model.requests[1].Messages
			told := m[len(m)-1].Content
			if found == "" && !strings.Contains(told, "no dataset of that name") || found != "" && !strings.Contains(told, `"name":"`+found+`"`) {
				t.Errorf("the model was told %q", told)
			}
		})
	}
}
