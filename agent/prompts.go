package agent

import (
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"fmt"
	"io/fs"
	"slices"
	"strings"
	"text/template"
)

//go:embed prompts/*.md
var promptFiles embed.FS

// systemParts are the prompts that the system prompt is put together of, in this
// order: who Mark is, when to answer and when to call a tool, how to write
// Python and SQL, what an answer is, and what the data is.
var systemParts = []string{"persona", "deciding", "python", promptSQL, promptFileSQL, "answer", "data"}

// promptSQL is there where there is a warehouse, promptFileSQL where there is SQL over
// files.
const (
	promptSQL     = "sql"
	promptFileSQL = "sql_files"
)

// The names of the other prompts.
const (
	promptEmpty    = "empty_reply"
	promptCut      = "cut_reply"
	promptLoop     = "loop_warning"
	promptLoopEnd  = "loop_end"
	promptNoStory  = "no_story"
	promptMovedOn  = "moved_on"
	promptDoubt    = "doubt"
	promptGaveUp   = "gave_up"
	promptNotRun   = "not_run"
	promptUnloaded = "unloaded"
	promptBudget   = "budget_spent"
	promptSummary  = "summary"
	promptTitles   = "titles"
)

// prompts are the texts that models are sent, read once.
type prompts struct {
	templates *template.Template
	parts     []string // of the system prompt
	// hash tells one version of all that models are sent by Mark itself, the
	// tools' descriptions and schemas included, from another.
	hash string
}

// hashDigits is how much of the SHA-256 names a version.
const hashDigits = 12

func newPrompts(tools *toolbox, warehouses, files bool) (*prompts, error) {
	version := sha256.New()
	t := template.New("").Option("missingkey=error")
	err := fs.WalkDir(promptFiles, "prompts", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		raw, err := promptFiles.ReadFile(path)
		if err != nil {
			return err
		}
		name := strings.TrimSuffix(d.Name(), ".md")
		version.Write(encode([]string{name, string(raw)}))
		_, err = t.New(name).Parse(strings.TrimSpace(string(raw)))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the prompts: %w", err)
	}
	parts := slices.Clone(systemParts)
	parts = slices.DeleteFunc(parts, func(name string) bool {
		return name == promptSQL && !warehouses || name == promptFileSQL && !files
	})
	version.Write(encode(parts))
	version.Write(encode(tools.list()))
	for _, name := range append([]string{promptEmpty, promptCut, promptLoop, promptLoopEnd, promptNoStory, promptMovedOn, promptDoubt, promptGaveUp, promptNotRun, promptUnloaded, promptBudget, promptSummary, promptTitles}, systemParts...) {
		if t.Lookup(name) == nil {
			return nil, fmt.Errorf("the prompt %s is missing", name)
		}
	}
	return &prompts{templates: t, parts: parts, hash: hex.EncodeToString(version.Sum(nil))[:hashDigits]}, nil
}

// text is a prompt without variables.
func (p *prompts) text(name string) string { return p.render(name, nil) }

// system is the system prompt with the chat's datasets.
func (p *prompts) system(catalogue string) string {
	parts := make([]string, len(p.parts))
	for i, name := range p.parts {
		parts[i] = p.render(name, map[string]string{"Catalogue": strings.TrimRight(catalogue, "\n")})
	}
	return strings.Join(parts, "\n\n")
}

// summary asks for a summary of at most so many tokens.
func (p *prompts) summary(tokens int) string {
	return p.render(promptSummary, map[string]int{"Words": tokens * wordsPerToken10 / 10})
}

// wordsPerToken10 is how many words ten tokens have, which is what models can go
// by: they count no tokens.
const wordsPerToken10 = 6

// doubt says what an answer rests on that no step has shown.
func (p *prompts) doubt(problems string) string {
	return p.render(promptDoubt, map[string]string{"Problems": problems})
}

// unloaded says that the data has to be loaded first: with this line, where it
// is known.
func (p *prompts) unloaded(line string) string {
	return p.render(promptUnloaded, map[string]string{"Line": line})
}

func (p *prompts) render(name string, data any) string {
	var b strings.Builder
	if err := p.templates.ExecuteTemplate(&b, name, data); err != nil {
		panic(fmt.Sprintf("agent: prompt %s: %v", name, err)) // the prompts are part of the program
	}
	return b.String()
}
