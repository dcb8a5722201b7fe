package duckdb

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"unicode/utf8"

	"github.com/mark-analyst/mark/internal/cut"
	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/internal/untrusted"
	"github.com/mark-analyst/mark/warehouse"
	"github.com/mark-analyst/mark/warehouse/nearest"
)

// maxShown is how much of what DuckDB says is shown, bytes.
const maxShown = 500

func internal(err error) *warehouse.Error {
	return &warehouse.Error{Code: warehouse.CodeInternal, Message: "DuckDB answered with something nobody expected. Try again; if it stays so, tell whoever looks after the server.", Err: err}
}

// stopped says that a context has ended.
func stopped(err error) *warehouse.Error {
	if errors.Is(err, context.DeadlineExceeded) {
		return &warehouse.Error{Code: warehouse.CodeTimeout, Message: "The query took too long and was stopped. Filter or aggregate first.", Err: err}
	}
	return &warehouse.Error{Code: warehouse.CodeCancelled, Message: "The query was stopped.", Err: err}
}

// failedStep says why the program did not come to its end, or returns nil.
func failedStep(ctx context.Context, result execution.Result, err error) error {
	if ended := ctx.Err(); ended != nil {
		return stopped(ended)
	}
	var session *execution.Error
	if err != nil && !errors.As(err, &session) {
		return err
	}
	switch {
	case session != nil && session.Code == execution.CodeTimeout:
		return stopped(context.DeadlineExceeded)
	case session != nil && session.Code == execution.CodeMemory,
		result.Failure != nil && (result.Failure.Limit.Code() == execution.CodeMemoryError || result.Failure.Name == "MemoryError"):
		return &warehouse.Error{Code: warehouse.CodeResources, Message: "The query needs more memory than a session has. Join and sort less at once, or aggregate first.", Err: err}
	case session != nil:
		return &warehouse.Error{Code: warehouse.CodeBackend, Message: "The session that DuckDB runs in is not to be had. " + session.Message, Err: err}
	case result.Failure != nil && result.Failure.Limit != "":
		return &warehouse.Error{Code: warehouse.CodeResources, Message: "The query needs more than a session has: " + shown(result.Failure.Message)}
	case result.Failure != nil:
		return internal(errors.New(result.Failure.Name + ": " + result.Failure.Message + "\n" + result.Failure.Traceback))
	}
	return nil
}

var (
	noTable    = regexp.MustCompile(`Table with name "?(.+?)"? does not exist`)
	noColumn   = regexp.MustCompile(`(?:Referenced column|Column with name|column) "([^"]+)"`)
	candidates = regexp.MustCompile(`(?s)Candidate bindings: (.*?)(?:\n|$)`)
	name       = regexp.MustCompile(`"((?:[^"]|"")+)"`)
	line       = regexp.MustCompile(`(?m)^LINE (\d+): `)
)

// explain says what DuckDB's refusal means.
func (w *Warehouse) explain(a *answer) *warehouse.Error {
	if a.Error == nil {
		return internal(errors.New("what is run is not what was planned"))
	}
	text := a.Error.Message
	out := &warehouse.Error{Code: warehouse.CodeInvalidQuery, Message: "DuckDB does not understand the statement: " + shown(text), Position: positionIn(text), Err: errors.New(a.Error.Kind)}
	missing := noTable.FindStringSubmatch(text)
	switch {
	case missing != nil:
		out.Code, out.Message = warehouse.CodeNotFound, fmt.Sprintf("There is no table %s among the files.", shown(missing[1]))
		if out.Suggestions = nearest.Names(missing[1], w.names()); len(out.Suggestions) == 0 {
			out.Message += w.all()
		}
	case a.Error.Kind == "Unreadable":
		out.Code, out.Message, out.Position = warehouse.CodeNotFound, "The table "+shown(text), nil
	case a.Error.Kind == "PermissionException":
		out.Code, out.Message = warehouse.CodeForbiddenSQL, "Only the tables of this chat can be read, and nothing written: "+shown(text)
	case a.Error.Kind == "OutOfMemoryException":
		out.Code, out.Message = warehouse.CodeResources, "The query needs more memory than a session has. Join and sort less at once, or aggregate first."
	case strings.Contains(text, "not provided for the following parameters"), strings.Contains(text, "Parameter/argument count mismatch"):
		out.Code, out.Message = warehouse.CodeInvalidParameter, "The parameters are not those of the statement: "+shown(text)
	default:
		if found := noColumn.FindStringSubmatch(text); found != nil {
			out.Suggestions = nearest.Names(found[1], candidatesIn(text))
		}
	}
	if len(out.Suggestions) > 0 {
		out.Message += nearest.Told(out.Suggestions)
	}
	return out
}

// candidatesIn are the columns that DuckDB thinks were meant, without their tables.
func candidatesIn(message string) []string {
	found := candidates.FindStringSubmatch(message)
	if found == nil {
		return nil
	}
	var out []string
	for _, quoted := range strings.Split(found[1], ", ") {
		all := name.FindAllStringSubmatch(quoted, -1)
		if len(all) > 0 {
			out = append(out, strings.ReplaceAll(all[len(all)-1][1], `""`, `"`))
		}
	}
	return out
}

// positionIn reads where a message points to: the line that it shows, and a caret
// below.
func positionIn(message string) *warehouse.Position {
	at := line.FindStringSubmatchIndex(message)
	if at == nil {
		return nil
	}
	n, err := strconv.Atoi(message[at[2]:at[3]])
	if err != nil {
		return nil
	}
	out := &warehouse.Position{Line: n, Column: 1}
	shown, below, _ := strings.Cut(message[at[1]:], "\n")
	caret := strings.IndexByte(below, '^')
	if column := caret - (at[1] - at[0]) + 1; !strings.HasPrefix(shown, "...") && column > 0 && column <= utf8.RuneCountInString(shown)+1 {
		out.Column = column
	}
	return out
}

// shown is what DuckDB says, fit for a person: its first sentences.
func shown(message string) string {
	message, _, _ = strings.Cut(message, "\nLINE ")
	return cut.ToBytes(untrusted.Line(message), maxShown)
}
