package agent

import (
	"bytes"
	"context"
	"embed"
	"encoding/json"
	"errors"
	"fmt"
	"slices"
	"strings"

	"github.com/santhosh-tekuri/jsonschema/v6"
	"golang.org/x/text/language"
	textmessage "golang.org/x/text/message"

	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/internal/dialogue"
)

// The tools' names are part of the contract.
const (
	toolListDatasets    = "list_datasets"
	toolDescribeDataset = "describe_dataset"
	ToolRunSQL          = "run_sql"
	toolRunPython       = "run_python"
	toolAskUser         = "ask_user"
	toolFinalAnswer     = "final_answer"
)

// Each tool is a tool_<name>.go beside its description for the model
// (tool_<name>.md) and the JSON schema of its arguments (tool_<name>.json).
//
//go:embed tool_*.md tool_*.json
var toolFiles embed.FS

// tool is something that a model can have done.
type tool struct {
	name   string
	spec   dialogue.Tool
	schema *jsonschema.Schema
	// effects says that the call leaves something behind: it is not made again
	// when a run is taken over.
	effects bool
	// approval is what a person has to allow before the call is made; nil, or nil
	// of a call: nothing.
	approval func(ctx context.Context, k *work, args map[string]any) (*ApprovalRequest, error)
	// code is the Python or the SQL in the arguments; "" for tools without.
	code func(args map[string]any) string
	// run does it. Its error ends the run.
	run func(ctx context.Context, k *work, s *ent.Step, args map[string]any) (callEnd, error)
}

// toolbox holds the tools in the order in which models see them.
type toolbox struct {
	tools []*tool
}

// newToolbox returns the tools; run_sql is there where there is a warehouse, or SQL
// over files.
func newToolbox(warehouses, files bool) (*toolbox, error) {
	box := &toolbox{tools: []*tool{
		{name: toolListDatasets, run: listDatasets},
		{name: toolDescribeDataset, run: describeDataset},
		{name: ToolRunSQL, run: runSQL, effects: true, approval: priced, code: func(args map[string]any) string { return text(args, "sql") }},
		{name: toolRunPython, run: runPython, effects: true, approval: reviewed, code: func(args map[string]any) string { return text(args, "code") }},
		{name: toolAskUser, run: askUser},
		{name: toolFinalAnswer, run: finalAnswer},
	}}
	if !warehouses && !files {
		box.tools = slices.DeleteFunc(box.tools, func(t *tool) bool { return t.name == ToolRunSQL })
	}
	for _, t := range box.tools {
		if t.code == nil {
			t.code = func(map[string]any) string { return "" }
		}
		descriptions := []string{t.name}
		if t.name == ToolRunSQL {
			descriptions = sqlDescriptions(warehouses, files)
		}
		if err := t.load(descriptions); err != nil {
			return nil, fmt.Errorf("tool %s: %w", t.name, err)
		}
	}
	return box, nil
}

// sqlDescriptions are the texts that tell what can be asked, and in which dialect.
func sqlDescriptions(warehouses, files bool) []string {
	var names []string
	if warehouses {
		names = append(names, ToolRunSQL)
	}
	if files {
		names = append(names, ToolRunSQL+"_files")
	}
	return append(names, ToolRunSQL+"_result")
}

// load reads a tool's descriptions and schema.
func (t *tool) load(descriptions []string) error {
	var texts []string
	for _, name := range descriptions {
		text, err := toolFiles.ReadFile("tool_" + name + ".md")
		if err != nil {
			return err
		}
		texts = append(texts, strings.TrimSpace(string(text)))
	}
	raw, err := toolFiles.ReadFile("tool_" + t.name + ".json")
	if err != nil {
		return err
	}
	doc, err := jsonschema.UnmarshalJSON(bytes.NewReader(raw))
	if err != nil {
		return err
	}
	compiler := jsonschema.NewCompiler()
	if err := compiler.AddResource(t.name, doc); err != nil {
		return err
	}
	if t.schema, err = compiler.Compile(t.name); err != nil {
		return err
	}
	var compact bytes.Buffer
	if err := json.Compact(&compact, raw); err != nil {
		return err
	}
	t.spec = dialogue.Tool{Name: t.name, Description: strings.Join(texts, "\n\n"), Schema: compact.Bytes()}
	return nil
}

func (b *toolbox) list() []dialogue.Tool {
	out := make([]dialogue.Tool, len(b.tools))
	for i, t := range b.tools {
		out[i] = t.spec
	}
	return out
}

func (b *toolbox) only(name string) []dialogue.Tool { return []dialogue.Tool{b.find(name).spec} }

// known is the name where a tool has it, else "": models invent names.
func (b *toolbox) known(name string) string {
	if b.find(name) == nil {
		return ""
	}
	return name
}

func (b *toolbox) find(name string) *tool {
	for _, t := range b.tools {
		if t.name == name {
			return t
		}
	}
	return nil
}

// open finds the tool of a call and checks the arguments. The problem, where it
// is not "", is for the model to mend.
func (b *toolbox) open(c dialogue.ToolCall) (t *tool, args map[string]any, problem string) {
	if t = b.find(c.Name); t == nil {
		var names []string
		for _, t := range b.tools {
			names = append(names, t.name)
		}
		return nil, nil, "There is no tool of that name. The tools are " + strings.Join(names, ", ") + "."
	}
	doc, err := jsonschema.UnmarshalJSON(strings.NewReader(c.Arguments))
	if err != nil {
		return t, nil, "The arguments are not valid JSON. Send one JSON object, with line breaks in strings written as \\n."
	}
	if err := t.schema.Validate(doc); err != nil {
		return t, nil, "The arguments do not fit the tool: " + schemaProblem(err)
	}
	args, _ = doc.(map[string]any) // the schemas ask for an object
	return t, args, ""
}

// schemaProblem names the first thing that is wrong, without the schema's inner
// addresses.
func schemaProblem(err error) string {
	var invalid *jsonschema.ValidationError
	if !errors.As(err, &invalid) {
		return "they could not be checked."
	}
	for len(invalid.Causes) > 0 {
		invalid = invalid.Causes[0]
	}
	where := "/" + strings.Join(invalid.InstanceLocation, "/")
	return fmt.Sprintf("at %s: %s.", where, invalid.ErrorKind.LocalizedString(textmessage.NewPrinter(language.English)))
}

// text is a string argument; the schema has made sure that it is one.
func text(args map[string]any, name string) string {
	s, _ := args[name].(string)
	return s
}
