package llm

import (
	"bytes"
	"encoding/json"
	"regexp"
	"slices"
	"strings"
)

// The words under which models name a tool and its arguments.
var (
	nameKeys     = []string{"name", "tool", "tool_name", "function", "function_name"}
	argumentKeys = []string{"arguments", "parameters", "args", "input", "tool_input"}
	firstKeys    = slices.Concat(nameKeys, argumentKeys, []string{"type", "id", "tool_calls"})
)

// plausibleBytes is how much of a value plausible looks at.
const plausibleBytes = 256

// plausible tells whether value may still become a call: ordinary JSON and
// Markdown links are given away as text by their first bytes.
func plausible(value []byte, tools []string) bool {
	s := strings.TrimLeft(string(value), " \t\r\n[")
	if s == "" {
		return true
	}
	if s[0] != '{' {
		return false
	}
	s = strings.TrimPrefix(strings.TrimLeft(s[1:], " \t\r\n"), "{") // see single
	key, rest, done, ok := quoted(s)
	if !ok || !done {
		return ok && slices.ContainsFunc(firstKeys, func(k string) bool { return strings.HasPrefix(k, key) })
	}
	if !slices.Contains(firstKeys, key) {
		return false
	}
	rest = strings.TrimLeft(rest, " \t\r\n")
	if rest == "" {
		return true
	}
	if rest[0] != ':' {
		return false
	}
	rest = strings.TrimLeft(rest[1:], " \t\r\n")
	if rest == "" || !slices.Contains(nameKeys, key) || (key == "function" && rest[0] == '{') {
		return true
	}
	name, _, done, ok := quoted(rest)
	if done {
		return slices.Contains(tools, name)
	}
	return ok && slices.ContainsFunc(tools, func(t string) bool { return strings.HasPrefix(t, name) })
}

// quoted reads a string at the beginning of s, after white space: what there is
// of it, what follows, whether it is whole, and whether it is one at all.
func quoted(s string) (inner, rest string, done, ok bool) {
	s = strings.TrimLeft(s, " \t\r\n")
	if s == "" {
		return "", "", false, true
	}
	if s[0] != '"' {
		return "", "", false, false
	}
	inner, rest, done = strings.Cut(s[1:], `"`)
	return inner, rest, done, true
}

// parseWritten returns the calls that value is, or none: an object or a list of
// them, in any of the shapes that models use.
func parseWritten(value []byte, tools []string) []writtenCall {
	value = single(value)
	if !json.Valid(value) {
		value = mend(value)
	}
	objects, ok := asObjects(value)
	if ok && len(objects) == 1 && len(objects[0]["tool_calls"]) > 0 {
		objects, ok = asObjects(objects[0]["tool_calls"])
	}
	if !ok {
		return nil
	}
	var out []writtenCall
	for _, object := range objects {
		call, ok := asCall(object, tools)
		if !ok {
			return nil
		}
		out = append(out, call)
	}
	return out
}

// single takes the second pair of braces off {{"name": …}}, which models write
// that have seen too many templates.
func single(value []byte) []byte {
	inner, ok := bytes.CutPrefix(value, []byte("{"))
	if inner = bytes.TrimSpace(inner); ok && len(inner) > 0 && inner[0] == '{' {
		return bytes.TrimSuffix(inner, []byte("}"))
	}
	return value
}

// asObjects reads an object, or a list of objects.
func asObjects(value []byte) ([]map[string]json.RawMessage, bool) {
	var list []map[string]json.RawMessage
	if json.Unmarshal(value, &list) == nil {
		return list, true
	}
	var one map[string]json.RawMessage
	err := json.Unmarshal(value, &one)
	return []map[string]json.RawMessage{one}, err == nil
}

func asCall(object map[string]json.RawMessage, tools []string) (writtenCall, bool) {
	if inner := object["function"]; len(inner) > 0 && inner[0] == '{' {
		object = nil
		if json.Unmarshal(inner, &object) != nil {
			return writtenCall{}, false
		}
	}
	var call writtenCall
	if isDefinition(object) {
		return call, false
	}
	for _, key := range nameKeys {
		if name := text(object[key]); slices.Contains(tools, name) {
			call.name = name
			delete(object, key)
			break
		}
	}
	if call.name == "" {
		return call, false
	}
	for _, key := range argumentKeys {
		raw, ok := object[key]
		if !ok {
			continue
		}
		call.arguments = string(raw)
		if raw[0] == '"' {
			call.arguments = text(raw)
		}
		if strings.TrimSpace(call.arguments) == "" || call.arguments == "null" {
			call.arguments = "{}"
		}
		return call, true
	}
	delete(object, "type")
	delete(object, "id")
	flat, _ := json.Marshal(object) // {"tool": "run_python", "code": "…"}: raw values always marshal
	call.arguments = string(flat)
	return call, true
}

// isDefinition tells the description of a tool, which models repeat from their
// prompt, from a call.
func isDefinition(object map[string]json.RawMessage) bool {
	var schema struct {
		Type       json.RawMessage `json:"type"`
		Properties json.RawMessage `json:"properties"`
	}
	if json.Unmarshal(object["parameters"], &schema) != nil {
		return false
	}
	return text(schema.Type) == "object" && len(schema.Properties) > 0 && schema.Properties[0] == '{'
}

// namedTool finds the name in a value that is too broken to be read as JSON.
var namedTool = regexp.MustCompile(`"(?:name|tool|tool_name|function|function_name)"\s*:\s*"([^"]{1,100})"`)

func namesTool(value []byte, tools []string) bool {
	m := namedTool.FindSubmatch(value)
	return m != nil && slices.Contains(tools, string(m[1]))
}

// argumentsBegin is where the arguments stand in such a value.
var argumentsBegin = regexp.MustCompile(`"(?:arguments|parameters|args|input|tool_input)"\s*:\s*`)

// brokenCall makes a call of a value that names a tool and is no JSON. Its
// arguments are what stands there.
func brokenCall(value []byte, tools []string) []writtenCall {
	m := namedTool.FindSubmatch(value)
	if m == nil || !slices.Contains(tools, string(m[1])) {
		return nil
	}
	arguments := value
	if at := argumentsBegin.FindIndex(value); at != nil {
		arguments = value[at[1]:]
	}
	return []writtenCall{{name: string(m[1]), arguments: string(bytes.TrimSpace(arguments))}}
}

// mend makes JSON of what is almost JSON: line breaks and tabs within strings
// and escapes that JSON does not know are written properly, and brackets that
// are missing at the end are added. A string without an end stays broken: what
// is missing of it nobody knows.
func mend(value []byte) []byte {
	out := make([]byte, 0, len(value)+8)
	var scan jsonScan
	for _, c := range value {
		inString, escaped := scan.inString, scan.escaped
		scan.feed(c)
		switch {
		case escaped && !strings.ContainsRune(`"\/bfnrtu`, rune(c)):
			if c == '\'' {
				out[len(out)-1] = c // \' is what Python and JavaScript write
				continue
			}
			out = append(out, '\\')
			if c >= ' ' {
				out = append(out, c)
				continue
			}
			out = appendEscaped(out, c)
		case inString && c < ' ':
			out = appendEscaped(out, c)
		default:
			out = append(out, c)
		}
	}
	if scan.inString || scan.broken {
		return value
	}
	for i := len(scan.nest) - 1; i >= 0; i-- {
		out = append(out, scan.nest[i])
	}
	return out
}

func appendEscaped(out []byte, c byte) []byte {
	quoted, _ := json.Marshal(string(rune(c))) // a string always marshals
	return append(out, quoted[1:len(quoted)-1]...)
}
