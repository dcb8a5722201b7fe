package agent

import (
	"regexp"
	"strings"
	"testing"
)

// One version of the prompts and tools has one name, and every other another.
func TestThePromptsHaveAVersion(t *testing.T) {
	version := func(change func(*toolbox)) string {
		tools, err := newToolbox(true, true)
		if err != nil {
			t.Fatal(err)
		}
		change(tools)
		p, err := newPrompts(tools, true, true)
		if err != nil {
			t.Fatal(err)
		}
		return p.hash
	}
	first := version(func(*toolbox) {})
	if !regexp.MustCompile(`^[0-9a-f]{12}$`).MatchString(first) || version(func(*toolbox) {}) != first {
		t.Errorf("the version is %q, and then %q", first, version(func(*toolbox) {}))
	}
	for name, change := range map[string]func(*toolbox){
		"a description": func(b *toolbox) { b.tools[2].spec.Description += "." },
		"a schema":      func(b *toolbox) { b.tools[0].spec.Schema = []byte(`{"type":"object"}`) },
		"the order":     func(b *toolbox) { b.tools[0], b.tools[1] = b.tools[1], b.tools[0] },
	} {
		if version(change) == first {
			t.Errorf("another %s has the same version", name)
		}
	}
}

func TestTheSystemPromptIsPutTogether(t *testing.T) {
	p, err := newPrompts(&toolbox{}, false, false)
	if err != nil {
		t.Fatal(err)
	}
	said := p.system("- name \"prices\"\n")
	at := -1
	for _, begins := range []string{"You are Mark", "How to work", "Python\n", "The answer\n", "What stands in files", "<datasets>\n- name \"prices\"\n</datasets>"} {
		next := strings.Index(said, begins)
		if next <= at {
			t.Errorf("%q stands at %d, after what stands at %d", begins, next, at)
		}
		at = next
	}
}
