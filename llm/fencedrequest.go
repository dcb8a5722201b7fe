package llm

import (
	"bytes"
	_ "embed"
	"encoding/json"
	"fmt"
	"strings"
	"text/template"

	"github.com/mark-analyst/mark/internal/dialogue"
)

//go:embed prompts/fenced.md
var fencedText string

// fencedRequest is req in words alone. Its beginning does not change while the
// tools do not.
func fencedRequest(req dialogue.Request) (dialogue.Request, error) {
	out := req
	out.Tools, out.Choice, out.Messages = nil, "", nil
	messages := req.Messages
	if len(messages) > 0 && messages[0].Role == dialogue.System {
		out.Messages = follow(nil, dialogue.System, messages[0].Content)
		messages = messages[1:]
	}
	if len(req.Tools) > 0 {
		how, err := instructions(req.Tools)
		if err != nil {
			return out, err
		}
		out.Messages = follow(out.Messages, dialogue.System, how)
	}
	for t := range turns(messages) {
		m := t.message
		switch m.Role {
		case dialogue.System:
			out.Messages = append(out.Messages, dialogue.Message{Role: m.Role, Content: m.Content})
		case dialogue.Assistant:
			said := []string{m.Content}
			for _, c := range t.calls {
				said = append(said, block(c))
			}
			out.Messages = follow(out.Messages, dialogue.Assistant, said...)
			for _, c := range t.calls {
				out.Messages = follow(out.Messages, dialogue.User, "What "+c.name+" gave:\n"+c.result)
			}
		default:
			out.Messages = follow(out.Messages, dialogue.User, m.Content)
		}
	}
	if note := choiceNote(req.Choice); note != "" && len(req.Tools) > 0 {
		out.Messages = follow(out.Messages, dialogue.User, note)
	}
	return out, nil
}

// follow appends a message, to the last one where that is of the same role: the
// templates of many models want the roles to take turns.
func follow(messages []dialogue.Message, role dialogue.Role, texts ...string) []dialogue.Message {
	var said []string
	for _, s := range texts {
		if strings.TrimSpace(s) != "" {
			said = append(said, s)
		}
	}
	text := strings.Join(said, "\n\n")
	if n := len(messages); n > 0 && messages[n-1].Role == role {
		if text != "" {
			messages[n-1].Content += "\n\n" + text
		}
		return messages
	}
	return append(messages, dialogue.Message{Role: role, Content: text})
}

// block is a call as the model was told to write it.
func block(c carriedOut) string {
	var args map[string]json.RawMessage
	if json.Unmarshal([]byte(c.arguments), &args) == nil && c.name == programTool {
		if code := text(args[programArgument]); code != "" {
			ticks := fence(code)
			return ticks + "python\n" + strings.TrimRight(code, "\n") + "\n" + ticks
		}
	}
	name, _ := json.Marshal(c.name) // a string always marshals
	value := fmt.Sprintf(`{"name": %s, "arguments": %s}`, name, c.arguments)
	return fence(value) + "json\n" + value + "\n" + fence(value)
}

// fence is the backticks that text can stand between.
func fence(text string) string {
	ticks := "```"
	for strings.Contains(text, ticks) {
		ticks += "`"
	}
	return ticks
}

// choiceNote says in words what a choice asks for.
func choiceNote(choice dialogue.Choice) string {
	switch choice {
	case dialogue.ChoiceAuto, "":
		return ""
	case dialogue.ChoiceNone:
		return "(Answer now, without a block.)"
	case dialogue.ChoiceRequired:
		return "(Write a block now.)"
	}
	return fmt.Sprintf("(Write the block of %s now, or answer in plain text. No other block is read any more.)", choice)
}

// instructions describe tools to a model that takes none.
func instructions(tools []dialogue.Tool) (string, error) {
	t, err := template.New("fenced").Parse(fencedText)
	if err != nil {
		return "", fmt.Errorf("read the prompt fenced.md: %w", err)
	}
	var view struct {
		Program bool
		Tools   []struct{ Name, Description, Schema string }
	}
	for _, tool := range tools {
		view.Program = view.Program || tool.Name == programTool
		var schema bytes.Buffer
		if err := json.Compact(&schema, schemaOf(tool)); err != nil {
			return "", fmt.Errorf("the schema of %s: %w", tool.Name, err)
		}
		view.Tools = append(view.Tools, struct{ Name, Description, Schema string }{tool.Name, strings.TrimSpace(tool.Description), schema.String()})
	}
	var b strings.Builder
	if err := t.Execute(&b, view); err != nil {
		return "", fmt.Errorf("write the prompt fenced.md: %w", err)
	}
	return strings.TrimSpace(b.String()), nil
}
