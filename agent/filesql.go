package agent

import (
	"context"
	"errors"
	"path"
	"strings"

	"github.com/mark-analyst/mark/ent/dataset"
	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/warehouse"
)

// FilesConnection is what SQL over a chat's files is called where connections are
// told apart.
const FilesConnection = "files"

// FileSQL is what SQL over a chat's files is opened with.
type FileSQL struct {
	// Run runs a program in the chat's Python session.
	Run    func(ctx context.Context, code string, host execution.Host) (execution.Result, error)
	Tables []FileTable
}

// FileTable is a file of a chat as a table.
type FileTable struct {
	Name    string   // the file's, without its ending
	Aliases []string // other names of it
	Load    string   // the expression of Python that loads it
	Version string   // changes when the file does
}

// files is the connection to the chat's files, as they are now; nil where there is
// none.
func (k *work) files() (warehouse.Warehouse, *warehouse.Error) {
	if k.OpenFileSQL == nil {
		return nil, nil
	}
	if k.fileSQL == nil {
		opened, err := k.OpenFileSQL(FileSQL{Run: k.runFileSQL, Tables: k.fileTables()})
		if err != nil {
			return nil, &warehouse.Error{Code: warehouse.CodeInternal, Message: "The chat's files cannot be asked with SQL because of a fault of this server.", Err: err}
		}
		k.fileSQL = opened
	}
	return k.fileSQL, nil
}

// fileTables are the files of the chat as mark.sql knows them: under the file's name
// without its ending, and under the dataset's.
func (k *work) fileTables() []FileTable {
	var out []FileTable
	taken := map[string]bool{}
	free := func(name string) bool {
		folded := strings.ToLower(name)
		if name == "" || taken[folded] {
			return false
		}
		taken[folded] = true
		return true
	}
	for _, d := range k.datasets {
		if d.State != dataset.StateReady || isTable(d) {
			continue
		}
		file := k.fileName(d)
		t := FileTable{Name: strings.TrimSuffix(file, path.Ext(file)), Load: k.loadCode(d), Version: d.BlobKey + " " + k.loadCode(d)}
		if t.Load == "" {
			continue
		}
		if !free(t.Name) { // "a.csv" beside "a.xlsx"
			t.Name = file
			taken[strings.ToLower(file)] = true
		}
		out = append(out, t)
	}
	n := 0
	for _, d := range k.datasets {
		if d.State != dataset.StateReady || isTable(d) || k.loadCode(d) == "" {
			continue
		}
		for _, name := range []string{d.Name, k.fileName(d)} {
			if free(name) {
				out[n].Aliases = append(out[n].Aliases, name)
			}
		}
		n++
	}
	return out
}

// errInProgram is told where a program asks for what would have to run beside it.
var errInProgram = &warehouse.Error{Code: warehouse.CodeForbiddenSQL, Message: "In a program the chat's files are asked with mark.sql, which returns a DataFrame."}

// runFileSQL runs a program of the connection's in the chat's session.
func (k *work) runFileSQL(ctx context.Context, code string, host execution.Host) (execution.Result, error) {
	if k.doing.What == DoingPython {
		return execution.Result{}, errInProgram
	}
	session, err := k.session(ctx)
	if err != nil {
		return execution.Result{}, err
	}
	result, err := session.Run(ctx, code, host)
	k.usage.PythonMs += result.Duration.Milliseconds()
	var broken *execution.Error
	if errors.As(err, &broken) && broken.Fatal {
		k.closePython()
		k.loaded, k.ended = false, true
	}
	return result, err
}
