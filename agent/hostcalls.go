package agent

import (
	"context"
	"encoding/json"
	"path"
	"strings"

	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/dataset"
	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/internal/untrusted"
)

// answerCall answers what code asks through `import mark`. The code is nobody's
// to trust: it learns what the model is told of this chat, and nothing else.
func (k *work) answerCall(_ context.Context, c execution.Call) (any, error) {
	switch c.Method {
	case "files":
		return k.callFiles(), nil
	case "dataset":
		var args struct{ Name string }
		if err := json.Unmarshal(c.Args, &args); err != nil {
			return nil, &execution.CallError{Message: "mark.dataset takes the name of a dataset."}
		}
		return k.callDataset(args.Name)
	case "query", "result":
		// A program that is run once more for its variables must not be billed once
		// more; see remake.
		return nil, &execution.CallError{Message: "A warehouse is not asked again when variables are made anew."}
	}
	return nil, &execution.CallError{Message: "The host does not know this call."}
}

// calledFile is a file as `mark.files()` lists it.
type calledFile struct {
	Name    string `json:"name"`
	Dataset string `json:"dataset"`
	Path    string `json:"path"`
	Bytes   int64  `json:"bytes"`
	Rows    int64  `json:"rows"`
}

func (k *work) callFiles() []calledFile {
	files := []calledFile{}
	for _, d := range k.datasets {
		if d.State == dataset.StateReady && !isTable(d) {
			name := k.fileName(d)
			files = append(files, calledFile{Name: name, Dataset: d.Name, Path: dataFolder + name, Bytes: d.SizeBytes, Rows: rowsOf(d)})
		}
	}
	return files
}

// callDataset finds a dataset by its file's name, which no other has, or else by its
// own or its file's without the ending, exactly or else without regard to case.
func (k *work) callDataset(name string) (any, error) {
	for _, d := range k.datasets {
		if d.State == dataset.StateReady && !isTable(d) && k.fileName(d) == name {
			return k.calledDataset(d), nil
		}
	}
	same := []func(a, b string) bool{func(a, b string) bool { return a == b }, strings.EqualFold}
	for _, equal := range same {
		for _, d := range k.datasets {
			if isTable(d) {
				if equal(name, d.Name) || equal(strings.Trim(name, "`"), strings.Trim(sqlName(d), "`")) {
					return nil, &execution.CallError{Message: askWithSQL(d)}
				}
				continue
			}
			file := k.fileName(d)
			if d.State == dataset.StateReady && (equal(name, d.Name) || equal(name, file) || equal(name, strings.TrimSuffix(file, path.Ext(file)))) {
				return k.calledDataset(d), nil
			}
		}
	}
	var there []string
	for _, f := range k.callFiles() {
		there = append(there, string(encode(f.Name)))
	}
	message := "This chat has no dataset called " + string(encode(clip(untrusted.Line(name), 100))) + "."
	if len(there) > 0 {
		message += " It has " + clip(strings.Join(there, ", "), 1_000) + "."
	}
	return nil, &execution.CallError{Message: message}
}

// calledDataset is where a dataset is, and how it is loaded.
func (k *work) calledDataset(d *ent.Dataset) map[string]string {
	return map[string]string{"path": dataFolder + k.fileName(d), "load": k.loadCode(d)}
}

func rowsOf(d *ent.Dataset) int64 {
	if d.RowCount == nil {
		return 0
	}
	return *d.RowCount
}
