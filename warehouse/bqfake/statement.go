package bqfake

import (
	"regexp"
	"strings"
)

// StatementType says what a statement really is, as a dry run of an honest
// warehouse does. It is written another way than the guard's tokenizer on
// purpose: one expression finds what is no code, and what is left is looked at
// as text. "" is a syntax error.
func StatementType(sql string) string {
	code := noCode.ReplaceAllStringFunc(sql, func(found string) string {
		switch found[0] {
		case '#', '-', '/':
			return " "
		case '`':
			return " q "
		}
		return " 0 "
	})
	if strings.ContainsAny(code, "'\"`") || strings.Contains(code, "/*") {
		return ""
	}
	code = strings.TrimSpace(code)
	for strings.HasSuffix(code, ";") {
		code = strings.TrimSpace(strings.TrimSuffix(code, ";"))
	}
	if strings.Contains(code, ";") {
		return "SCRIPT"
	}
	first := strings.ToUpper(firstWord.FindString(strings.TrimLeft(code, "( \t\r\n")))
	switch {
	case first == "SELECT" || first == "WITH" || first == "FROM":
		if writes := pipeWrites.FindStringSubmatch(code); writes != nil {
			return strings.ToUpper(writes[1])
		}
		return "SELECT"
	case scripting[first]:
		return "SCRIPT"
	}
	return first
}

var (
	noCode = regexp.MustCompile("(?s)" + strings.Join([]string{
		`"""(?:\\.|[^\\])*?"""`, `'''(?:\\.|[^\\])*?'''`, `"(?:\\[^\n\r]|[^"\\\n\r])*"`, `'(?:\\[^\n\r]|[^'\\\n\r])*'`,
		"`[^`\n\r]+`", `(?:--|#)[^\n]*`, `/\*.*?\*/`}, "|"))
	firstWord  = regexp.MustCompile(`^\w+`)
	pipeWrites = regexp.MustCompile(`(?is)\|>\s*(call|insert|create|export|tee|fork)\b`)
	scripting  = map[string]bool{"BEGIN": true, "DECLARE": true, "SET": true, "IF": true, "LOOP": true, "WHILE": true, "REPEAT": true,
		"FOR": true, "CALL": true, "EXECUTE": true, "RAISE": true, "RETURN": true, "BREAK": true, "CONTINUE": true}
)

// source finds what stands behind FROM and JOIN.
var source = regexp.MustCompile("(?i)\\b(?:FROM|JOIN)\\s+((?:`[^`]+`|[\\w-]+)(?:\\.(?:`[^`]+`|[\\w-]+))*)")

// sources are the names of two parts or more behind FROM and JOIN, without
// backticks.
func sources(sql string) []string {
	var out []string
	for _, found := range source.FindAllStringSubmatch(sql, -1) {
		if name := strings.ReplaceAll(found[1], "`", ""); strings.Contains(name, ".") {
			out = append(out, name)
		}
	}
	return out
}
