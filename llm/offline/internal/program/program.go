// Package program writes the Python that answers a question.Query: a short
// program with pandas and plotly that a person can read, keep and run again. The
// templates are in python/. Whatever comes from the data (names of columns,
// values, file names) goes into a program as a quoted literal and in no other way.
package program

import (
	"embed"
	"fmt"
	"sort"
	"strings"
	"sync"
	"text/template"

	"github.com/mark-analyst/mark/llm/offline/internal/question"
)

//go:embed python/*.py.tmpl
var templates embed.FS

var parsed = sync.OnceValue(func() *template.Template {
	t := template.New("python").Funcs(template.FuncMap{
		"lit":    literal,
		"fs":     inFString,
		"esc":    escape,
		"cmt":    comment,
		"list":   list,
		"dict":   dict,
		"indent": indent,
		"join":   joinWords,
	})
	return template.Must(t.ParseFS(templates, "python/*.py.tmpl"))
})

// Program is Python that answers a question.
type Program struct {
	Code  string
	Title string // what it shows, in a few words
}

// Write writes the program that answers q about d.
func Write(q question.Query, d question.Dataset) (Program, error) {
	return write(q, d, false)
}

// Mend writes the program again after it failed on cells that are not what the
// profile says: whatever is no number or cannot be read is left out.
func Mend(q question.Query, d question.Dataset) (Program, error) {
	return write(q, d, true)
}

func write(q question.Query, d question.Dataset, mend bool) (Program, error) {
	if q.Intent == question.Run {
		return Program{Code: q.Code, Title: "Your Python"}, nil
	}
	v := newView(q, d)
	if mend {
		v.mend()
	}
	body, err := render(v.template(), v)
	if err != nil {
		return Program{}, err
	}
	if q.Intent == question.Aggregate && len(q.By) == 0 && len(v.SingleNames) > 0 {
		if v.Single, err = render("single", v); err != nil {
			return Program{}, err
		}
	}
	v.Body, v.Counted = body, strings.Contains(body, "counted(") || len(v.Needed) > 0
	code, err := render("program", v)
	if err != nil {
		return Program{}, err
	}
	return Program{Code: code, Title: v.Title}, nil
}

func render(name string, v any) (string, error) {
	var out strings.Builder
	if err := parsed().ExecuteTemplate(&out, name, v); err != nil {
		return "", fmt.Errorf("write the program %q: %w", name, err)
	}
	return strings.TrimSpace(out.String()) + "\n", nil
}

// indent moves a program to the right by one level.
func indent(code string) string {
	lines := strings.Split(strings.TrimRight(code, "\n"), "\n")
	for i, l := range lines {
		if l != "" {
			lines[i] = "    " + l
		}
	}
	return strings.Join(lines, "\n")
}

// joinWords writes names as a person would: "a, b or c".
func joinWords(names []string, last string) string {
	if len(names) < 2 {
		return strings.Join(names, "")
	}
	return strings.Join(names[:len(names)-1], ", ") + " " + last + " " + names[len(names)-1]
}

// dict writes a map as a Python dict, in the order of its keys.
func dict(m map[string]string) string {
	keys := make([]string, 0, len(m))
	for k := range m {
		keys = append(keys, k)
	}
	sort.Strings(keys)
	for i, k := range keys {
		keys[i] = literal(k) + ": " + literal(m[k])
	}
	return "{" + strings.Join(keys, ", ") + "}"
}
