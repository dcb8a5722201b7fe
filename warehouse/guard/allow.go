package guard

import (
	"fmt"
	"strings"

	"github.com/mark-analyst/mark/warehouse"
)

// AllowList says which tables a connection may read.
type AllowList struct{ patterns []pattern }

type pattern struct{ project, dataset, table string }

// NewAllowList reads patterns like "project.dataset.table", each part with
// asterisks for any characters. An empty list is an error: it would be a
// connection to nothing, and must not become one to everything.
func NewAllowList(patterns []string) (AllowList, error) {
	var list AllowList
	for _, text := range patterns {
		ref, ok := split(strings.TrimSpace(text))
		if !ok {
			return AllowList{}, fmt.Errorf("guard: %q is no pattern like project.dataset.table", text)
		}
		list.patterns = append(list.patterns, ref)
	}
	if len(list.patterns) == 0 {
		return AllowList{}, fmt.Errorf("guard: the list of permitted tables is empty")
	}
	return list, nil
}

// split cuts at the last two dots, since a project's name may have some.
func split(text string) (pattern, bool) {
	rest, table, ok := cutLast(text)
	if !ok {
		return pattern{}, false
	}
	project, dataset, ok := cutLast(rest)
	p := pattern{project: project, dataset: dataset, table: table}
	return p, ok && project != "" && dataset != "" && table != "" && !strings.ContainsAny(text, "` \t\n")
}

func cutLast(text string) (before, after string, ok bool) {
	i := strings.LastIndexByte(text, '.')
	if i < 0 {
		return "", "", false
	}
	return text[:i], text[i+1:], true
}

// Project tells whether something in the project may be on the list.
func (l AllowList) Project(project string) bool {
	for _, p := range l.patterns {
		if matches(p.project, project) {
			return true
		}
	}
	return false
}

// Dataset tells whether something in the dataset may be on the list.
func (l AllowList) Dataset(project, dataset string) bool {
	for _, p := range l.patterns {
		if matches(p.project, project) && matches(p.dataset, dataset) {
			return true
		}
	}
	return false
}

// WholeDataset tells whether every table of the dataset is on the list.
func (l AllowList) WholeDataset(project, dataset string) bool {
	return l.Table(warehouse.TableRef{Project: project, Dataset: dataset, Table: "*"})
}

// Table tells whether the table is on the list; of a wildcard table, whether all
// that it may stand for are.
func (l AllowList) Table(ref warehouse.TableRef) bool {
	if ref.Project == "" || ref.Dataset == "" || ref.Table == "" {
		return false
	}
	for _, p := range l.patterns {
		if matches(p.project, ref.Project) && matches(p.dataset, ref.Dataset) && covers(p.table, ref.Table) {
			return true
		}
	}
	return false
}

// Projects are the projects that the list names without an asterisk, in order.
func (l AllowList) Projects() []string {
	var out []string
	seen := map[string]bool{}
	for _, p := range l.patterns {
		if !strings.Contains(p.project, "*") && !seen[p.project] {
			seen[p.project] = true
			out = append(out, p.project)
		}
	}
	return out
}

// covers tells whether all names that a wildcard stands for match the pattern.
func covers(pattern, name string) bool {
	prefix, wild := strings.CutSuffix(name, "*")
	if !wild {
		return matches(pattern, name)
	}
	start, any := strings.CutSuffix(pattern, "*")
	return any && !strings.Contains(start, "*") && !strings.Contains(prefix, "*") && strings.HasPrefix(prefix, start)
}

// matches tells whether the name fits the pattern, case and all. An asterisk
// does not begin a name with an underscore: those are hidden (results of other
// queries, sessions).
func matches(pattern, name string) bool {
	if strings.HasPrefix(name, "_") && strings.HasPrefix(pattern, "*") {
		return false
	}
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == name
	}
	if !strings.HasPrefix(name, parts[0]) {
		return false
	}
	name = name[len(parts[0]):]
	last := parts[len(parts)-1]
	for _, part := range parts[1 : len(parts)-1] {
		i := strings.Index(name, part)
		if i < 0 {
			return false
		}
		name = name[i+len(part):]
	}
	return strings.HasSuffix(name, last)
}
