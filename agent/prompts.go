package agent

import (
	"embed"
	"fmt"
	"io/fs"
	"strings"
	"text/template"
)

//go:embed prompts/*.md
var promptFiles embed.FS

// The names of the prompts.
const (
	promptSystem   = "system"
	promptEmpty    = "empty_reply"
	promptCut      = "cut_reply"
	promptLoop     = "loop_warning"
	promptLoopEnd  = "loop_end"
	promptNoStory  = "no_story"
	promptMovedOn  = "moved_on"
	promptDoubt    = "doubt"
	promptUnloaded = "unloaded"
)

// prompts are the texts that models are sent, read once.
type prompts struct {
	templates *template.Template
}

func newPrompts() (*prompts, error) {
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
		_, err = t.New(name).Parse(strings.TrimSpace(string(raw)))
		return err
	})
	if err != nil {
		return nil, fmt.Errorf("read the prompts: %w", err)
	}
	for _, name := range []string{promptSystem, promptEmpty, promptCut, promptLoop, promptLoopEnd, promptNoStory, promptMovedOn, promptDoubt, promptUnloaded} {
		if t.Lookup(name) == nil {
			return nil, fmt.Errorf("the prompt %s is missing", name)
		}
	}
	return &prompts{templates: t}, nil
}

// text is a prompt without variables.
func (p *prompts) text(name string) string { return p.render(name, nil) }

// system is the system prompt with the chat's datasets.
func (p *prompts) system(catalogue string) string {
	return p.render(promptSystem, map[string]string{"Catalogue": strings.TrimRight(catalogue, "\n")})
}

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
