package guard

import (
	"fmt"
	"unicode/utf8"

	"github.com/mark-analyst/mark/internal/units"
	"github.com/mark-analyst/mark/warehouse"
)

// Rule is a rule of the lexical stage.
type Rule string

// The rules that a text can break.
const (
	RuleTooLong           Rule = "too long"
	RuleEmpty             Rule = "empty"
	RuleUnterminated      Rule = "unterminated"
	RuleCharacter         Rule = "character"
	RuleName              Rule = "name"
	RuleLegacySQL         Rule = "legacy SQL"
	RuleManyStatements    Rule = "many statements"
	RuleNotAQuery         Rule = "not a query"
	RuleVariable          Rule = "variable"
	RulePipe              Rule = "pipe operator"
	RuleFunction          Rule = "function"
	RuleFile              Rule = "file"
	RuleInformationSchema Rule = "INFORMATION_SCHEMA"
	RuleMetaTable         Rule = "meta table"
	RuleWildcard          Rule = "wildcard table"
)

// LexicalError says which rule a text breaks, by which word and where.
type LexicalError struct {
	Rule     Rule
	Word     string
	Limit    int // of RuleTooLong, in bytes
	Position *warehouse.Position
}

// Error implements error with a sentence for a person.
func (e *LexicalError) Error() string {
	switch e.Rule {
	case RuleTooLong:
		return fmt.Sprintf("The statement is longer than %d bytes. Write a shorter one.", e.Limit)
	case RuleEmpty:
		return "There is no statement. Write one SELECT."
	case RuleUnterminated:
		return fmt.Sprintf("What %s begins does not end. Close it.", e.Word)
	case RuleCharacter:
		return fmt.Sprintf("The character %+q may not stand here. Outside of strings and quoted names use plain characters only.", e.Word)
	case RuleName:
		return "A quoted name may not be empty or have backslashes or line ends."
	case RuleLegacySQL:
		return "Legacy SQL is not permitted. Write GoogleSQL."
	case RuleManyStatements:
		return "There is more than one statement. Send one SELECT at a time."
	case RuleNotAQuery:
		return fmt.Sprintf("Only queries are permitted, and %q begins something else. Write one SELECT.", e.Word)
	case RuleVariable:
		return "System variables and hints (@@, @{) are not permitted. Leave them out."
	case RulePipe:
		return fmt.Sprintf("The pipe operator %q is not permitted. Use those that only read.", e.Word)
	case RuleFunction:
		return fmt.Sprintf("The function %q is not permitted: only built-in functions that compute are, and none that read files, call models, other databases, services or routines of somebody.", e.Word)
	case RuleFile:
		return fmt.Sprintf("A text, %q, does not stand for a table here. Write the table's name, in double quotes where it is not one plain word.", e.Word)
	case RuleInformationSchema:
		return "INFORMATION_SCHEMA is permitted of a dataset only, with its TABLES, COLUMNS, COLUMN_FIELD_PATHS, TABLE_OPTIONS, PARTITIONS and VIEWS: write `project.dataset.INFORMATION_SCHEMA.COLUMNS` in backticks."
	case RuleMetaTable:
		return "Meta tables such as __TABLES__ are not permitted. Use describe_dataset."
	case RuleWildcard:
		return "Wildcard tables are not permitted by this connection. Name the tables."
	}
	return "The statement is not permitted: " + string(e.Rule) + "."
}

// StatementError says that the dry run did not report a query.
type StatementError struct {
	Type string // what it reported, "" when it did not say
}

// Error implements error with a sentence for a person.
func (e *StatementError) Error() string {
	if e.Type == "" {
		return "The warehouse did not say what the statement would do, so it does not run. Try a simpler one."
	}
	return fmt.Sprintf("Only queries are permitted, and this is %s. Write one SELECT.", e.Type)
}

// TablesProblem is what is wrong with the tables of a statement.
type TablesProblem string

// The problems.
const (
	TooManyTables TablesProblem = "too many"    // the list is not complete
	NotOnTheList  TablesProblem = "not allowed" //
	ThroughAView  TablesProblem = "view"        // and views are not permitted
	NotReported   TablesProblem = "not reported"
	// MoreThanTables tells that routines or graphs are used, whoever called them.
	MoreThanTables TablesProblem = "more than tables"
)

// TablesError says why the tables of a statement are not permitted. Table is the
// first at fault where the statement itself names it, else zero: what stands
// behind a view is not told.
type TablesError struct {
	Problem TablesProblem
	Table   warehouse.TableRef
	Count   int
}

// Error implements error with a sentence for a person.
func (e *TablesError) Error() string {
	switch {
	case e.Problem == TooManyTables:
		return fmt.Sprintf("The statement reads %d tables or more; from %d on the warehouse does not list all. Read fewer.", e.Count, maxTables)
	case e.Problem == ThroughAView:
		return "Views are not permitted by this connection. Query tables."
	case e.Problem == MoreThanTables:
		return "The statement uses a routine or a graph, itself or through a view. Query tables with built-in functions only."
	case e.Problem == NotReported:
		return "The warehouse did not say which tables the statement reads, so it does not run. Name them in full."
	case e.Table == warehouse.TableRef{}:
		return "The statement reads a table that this connection does not allow, through a view. Use list_datasets to see what there is."
	}
	return fmt.Sprintf("The table %s is not one that this connection allows. Use list_datasets to see what there is.", e.Table)
}

// Budget is a limit on what may be billed.
type Budget string

// The budgets.
const (
	QueryBudget Budget = "query"
	RunBudget   Budget = "run"
	DayBudget   Budget = "day"
	// NoEstimate tells that nobody knows what it would bill and nothing limits it.
	NoEstimate Budget = "none"
)

// CostError says that a statement would bill more than is left. All in bytes.
type CostError struct {
	Budget Budget
	Billed int64 // that it may bill
	Limit  int64
	Spent  int64 // of Limit, before
	Micros int64 // the price of Billed
}

// Error implements error with a sentence for a person.
func (e *CostError) Error() string {
	what := fmt.Sprintf("The statement would bill up to %s (%s)", units.Bytes(e.Billed), Price(e.Micros))
	const less = " Read fewer columns, or filter on the partitioning column."
	switch e.Budget {
	case RunBudget:
		return fmt.Sprintf("%s, and of the %s of this run %s are used.%s", what, units.Bytes(e.Limit), units.Bytes(e.Spent), less)
	case DayBudget:
		return fmt.Sprintf("%s, and of today's %s %s are used.%s", what, units.Bytes(e.Limit), units.Bytes(e.Spent), less)
	case NoEstimate:
		return "The warehouse did not say how much the statement would process, so it does not run. Query other tables."
	}
	return fmt.Sprintf("%s; a query may bill %s.%s", what, units.Bytes(e.Limit), less)
}

// position returns the line and column of an offset in bytes.
func position(sql string, offset int) *warehouse.Position {
	at := warehouse.Position{Line: 1, Column: 1}
	for i := 0; i < min(offset, len(sql)); {
		r, size := utf8.DecodeRuneInString(sql[i:])
		i += size
		at.Column++
		if r == '\n' {
			at.Line, at.Column = at.Line+1, 1
		}
	}
	return &at
}
