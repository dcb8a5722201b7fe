package agent

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/dataset"
)

// Every file is one table, under names that no other has.
func TestFilesAreTables(t *testing.T) {
	file := func(name, file string) *ent.Dataset {
		return &ent.Dataset{ID: name + file, Name: name, FileName: file, State: dataset.StateReady, BlobKey: "b", LoadCode: "pd.read_csv('" + file + "')"}
	}
	waiting := file("later", "later.csv")
	waiting.State = dataset.StateProfiling
	k := &work{datasets: []*ent.Dataset{
		file("Sales 2024", "sales.csv"), file("Returns", "sales.xlsx"), waiting, file("SALES", "Sales.csv"),
		{ID: "t", Name: "orders", Source: dataset.SourceBigQuery, State: dataset.StateReady},
	}}
	k.fileNames = withNames(k.datasets, nil)
	load := func(file string) FileTable {
		code := "pd.read_csv('" + file + "')"
		return FileTable{Load: code, Version: "b " + code}
	}
	want := []FileTable{load("sales.csv"), load("sales.xlsx"), load("Sales (2).csv")}
	want[0].Name, want[0].Aliases = "sales", []string{"Sales 2024", "sales.csv"}
	want[1].Name, want[1].Aliases = "sales.xlsx", []string{"Returns"}
	want[2].Name, want[2].Aliases = "Sales (2)", []string{"Sales (2).csv"}
	if diff := cmp.Diff(want, k.fileTables()); diff != "" {
		t.Error(diff)
	}
}
