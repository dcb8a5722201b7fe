package main

import (
	"fmt"
	"regexp"
	"strings"

	"github.com/goccy/go-googlesql"
)

// What BigQuery calls statements.
const (
	selects = "SELECT"
	script  = "SCRIPT"
)

// kinds are statements that BigQuery calls otherwise than GoogleSQL's parser does.
var kinds = map[string]string{
	"Query": selects, "Truncate": "TRUNCATE_TABLE", "Drop": "DROP_TABLE", "AuxLoadData": "LOAD_DATA",
	"ExecuteImmediate": script, "Call": script, "BeginEndBlock": script, "VariableDeclaration": script,
	"SingleAssignment": script, "SystemVariableAssignment": script, "AssignmentFromStruct": script,
	"If": script, "Case": script, "While": script, "Loop": script, "Repeat": script, "ForIn": script, "Raise": script,
	"Return": script, "Break": script, "Continue": script, "Begin": script, "Commit": script, "Rollback": script,
}

// kind says what kind of statement a text is; several are a script. A text that is
// none is a *failure.
func (a *analyst) kind(project, sql string) (string, error) {
	out, err := googlesql.ParseStatement(sql, a.parser)
	if err != nil {
		if _, failed := googlesql.ParseScript(sql, a.parser, nil); failed == nil {
			return script, nil
		}
		// The analyzer finds the same and says where.
		if n, failed := a.namesOf(project); failed == nil {
			if _, failed := googlesql.AnalyzeStatement(sql, a.options, n.catalog, a.types); failed != nil {
				err = failed
			}
		}
		return "", wrong(err)
	}
	if out == nil {
		return "", invalidQuery("Syntax error: Unexpected end of statement")
	}
	statement, err := out.Statement()
	if err != nil {
		return "", err
	}
	if create, ok := statement.(*googlesql.ASTCreateTableStatement); ok {
		if from, err := create.Query(); err == nil && from != nil {
			return "CREATE_TABLE_AS_SELECT", nil
		}
	}
	name := strings.TrimSuffix(strings.TrimPrefix(fmt.Sprintf("%T", statement), "*googlesql.AST"), "Statement")
	if kind := kinds[name]; kind != "" {
		return kind, nil
	}
	return strings.ToUpper(words.ReplaceAllString(name, "${1}_${2}")), nil
}

// words parts a name like CreateTable.
var words = regexp.MustCompile(`([a-z])([A-Z])`)
