//go:build linux && (amd64 || arm64)

package gvisor

import (
	"encoding/json"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"

	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/sandbox"
)

// namesName is the file of a snapshot that holds the names of the inputs that the
// session had. Code may have left any of them open, and gVisor restores no process
// with an open file whose name is not there: one that is the chat's no more needs
// an empty file in its place, a stand-in, for as long as there are sessions that
// come from that process.
const namesName = "inputs.json"

// writeNames adds the names to a snapshot.
func writeNames(folder string, inputs map[string]input) error {
	text, err := json.Marshal(slices.Sorted(maps.Keys(inputs)))
	if err != nil {
		return err
	}
	f, err := os.OpenFile(filepath.Join(folder, namesName), os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	_, err = f.Write(text)
	if closed := f.Close(); err == nil {
		err = closed
	}
	return err
}

// readNames returns them.
func readNames(folder string) (names []string, err error) {
	text, err := os.ReadFile(filepath.Join(folder, namesName))
	if err == nil {
		err = json.Unmarshal(text, &names)
	}
	for _, name := range names {
		if err == nil && !execution.CleanName(name) {
			err = fmt.Errorf("%q is no name of an input", name)
		}
	}
	if err != nil {
		return nil, fmt.Errorf("%w: %w", sandbox.ErrSnapshot, err)
	}
	return names, nil
}

// without returns those of names that are of none of the files.
func without(names []string, files []execution.File) []string {
	return slices.DeleteFunc(names, func(name string) bool {
		return slices.ContainsFunc(files, func(f execution.File) bool { return f.Name == name })
	})
}

// standIn puts stand-ins into the session's folder of inputs, beside its files.
func (s *session) standIn(names []string) error {
	for _, name := range names {
		if err := os.WriteFile(filepath.Join(s.dir, inputName, name), nil, 0o444); err != nil {
			return err
		}
		s.inputs[name] = input{}
	}
	return nil
}
