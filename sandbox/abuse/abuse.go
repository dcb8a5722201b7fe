// Package abuse holds programs that try to get out of a sandbox, to take more of
// the machine than they may, or to deceive whoever runs them. Each is plain Python
// and knows no sandbox in particular, so that the same files can be tried on
// others: what it has to know of the host comes in by a line of assignments
// (World.Facts), and pd and np are pandas and numpy.
//
// A program that succeeded prints a line that begins with ESCAPED, or leaves its
// mark on the World.
package abuse

import (
	"cmp"
	"embed"
	"fmt"
	"io/fs"
	"path"
	"slices"
	"strconv"
	"strings"
	"time"
)

//go:embed programs
var files embed.FS

// Program is one attempt.
type Program struct {
	Class string // the folder: what kind of attempt it is
	Name  string
	// Tries says what the program does, Contained what must not come of it.
	Tries, Contained string
	// Alone tells that without any sandbox, by itself, the program succeeds.
	Alone bool
	// Differs tells that two sessions must not print a line alike.
	Differs bool
	// StepTime and MemoryBytes are what its session should be allowed; zero
	// for whatever is usual.
	StepTime    time.Duration
	MemoryBytes int64
	// Steps are run one after the other, in the same session.
	Steps []string
}

// nextStep stands between the steps of a program.
const nextStep = "# --- next step\n"

// Programs returns all of them, in order.
func Programs() ([]Program, error) {
	var all []Program
	err := fs.WalkDir(files, "programs", func(name string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		text, err := fs.ReadFile(files, name)
		if err != nil {
			return err
		}
		p, err := parse(string(text))
		if err != nil {
			return fmt.Errorf("%s: %w", name, err)
		}
		p.Class, p.Name = path.Base(path.Dir(name)), strings.TrimSuffix(path.Base(name), ".py")
		all = append(all, p)
		return nil
	})
	slices.SortFunc(all, func(a, b Program) int {
		return cmp.Or(cmp.Compare(a.Class, b.Class), cmp.Compare(a.Name, b.Name))
	})
	return all, err
}

// parse reads the comment at the head of a program: "# Key: value" lines.
func parse(text string) (Program, error) {
	p := Program{Steps: strings.Split(text, nextStep)}
	for line := range strings.Lines(text) {
		key, value, ok := strings.Cut(strings.TrimSpace(strings.TrimPrefix(line, "#")), ": ")
		if !strings.HasPrefix(line, "# ") || !ok {
			break
		}
		switch {
		case key == "Tries":
			p.Tries = value
		case key == "Contained":
			p.Contained = value
		case key == "Alone" && value == "escapes":
			p.Alone = true
		case key == "Twice" && value == "differs":
			p.Differs = true
		case key == "Limits":
			if err := p.limit(value); err != nil {
				return p, err
			}
		default:
			return p, fmt.Errorf("its head says %q", line)
		}
	}
	if p.Tries == "" || p.Contained == "" {
		return p, fmt.Errorf("its head does not say what it tries and what containing it means")
	}
	return p, nil
}

func (p *Program) limit(text string) error {
	for _, field := range strings.Fields(text) {
		name, value, _ := strings.Cut(field, "=")
		n, err := strconv.Atoi(value)
		switch {
		case err != nil:
			return err
		case name == "seconds":
			p.StepTime = time.Duration(n) * time.Second
		case name == "memory":
			p.MemoryBytes = int64(n) << 20
		default:
			return fmt.Errorf("a limit of %q", name)
		}
	}
	return nil
}
