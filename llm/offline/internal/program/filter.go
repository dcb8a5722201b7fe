package program

import (
	"fmt"
	"strconv"
	"strings"
	"time"

	"github.com/mark-analyst/mark/llm/offline/internal/question"
)

// condition writes the filters as one Python expression over df.
func condition(filters []question.Filter) string {
	parts := make([]string, len(filters))
	for i, f := range filters {
		parts[i] = expression(f)
	}
	if len(parts) == 1 {
		return parts[0]
	}
	for i, p := range parts {
		parts[i] = "(" + p + ")"
	}
	return strings.Join(parts, " & ")
}

// expression writes one filter as a Python expression over df.
func expression(f question.Filter) string {
	column := "df[" + literal(f.Column.Name) + "]"
	switch f.Op {
	case question.Known:
		return column + ".notna()"
	case question.Unknown:
		return column + ".isna()"
	}
	if f.Column.Temporal() {
		return timeExpression(column, f)
	}
	values := make([]string, len(f.Values))
	for i, v := range f.Values {
		values[i] = value(f.Column, v)
	}
	switch f.Op {
	case question.In, question.NotIn:
		not := ""
		if f.Op == question.NotIn {
			not = "~"
		}
		return not + column + ".isin([" + strings.Join(values, ", ") + "])"
	case question.Between:
		return column + ".between(" + strings.Join(values, ", ") + ")"
	case question.Eq:
		return column + " == " + values[0]
	}
	return column + " " + string(f.Op) + " " + values[0]
}

// value writes a value as Python: a number only where the column holds numbers
// and the text is one.
func value(c question.Column, v string) string {
	if f, err := strconv.ParseFloat(v, 64); err == nil && c.Numeric() {
		if n, err := strconv.ParseInt(v, 10, 64); err == nil {
			return strconv.FormatInt(n, 10)
		}
		return strconv.FormatFloat(f, 'f', -1, 64)
	}
	if c.Type == question.Boolean {
		return map[bool]string{true: "True", false: "False"}[strings.EqualFold(v, "true")]
	}
	return literal(v)
}

// timeExpression compares with a year, a month or a day: each is a span of time,
// from its first moment to before the first moment of the next.
func timeExpression(column string, f question.Filter) string {
	from, until := span(f.Values[0])
	if len(f.Values) > 1 {
		_, until = span(f.Values[len(f.Values)-1])
	}
	at := func(t time.Time) string { return literal(t.Format(time.DateOnly)) }
	within := func(from, until time.Time) string {
		return fmt.Sprintf("(%s >= %s) & (%s < %s)", column, at(from), column, at(until))
	}
	switch f.Op {
	case question.Ge:
		return column + " >= " + at(from)
	case question.Gt:
		return column + " >= " + at(until)
	case question.Lt:
		return column + " < " + at(from)
	case question.Le:
		return column + " < " + at(until)
	case question.Ne, question.NotIn:
		return "~(" + within(from, until) + ")"
	case question.In:
		parts := make([]string, len(f.Values))
		for i, v := range f.Values {
			parts[i] = "(" + within(span(v)) + ")"
		}
		return strings.Join(parts, " | ")
	}
	return within(from, until)
}

// span returns the first moment of a year, a month or a day in ISO form and the
// first moment after it.
func span(text string) (from, until time.Time) {
	if t, err := time.Parse(time.DateOnly, text); err == nil {
		return t, t.AddDate(0, 0, 1)
	}
	if t, err := time.Parse("2006-01", text); err == nil {
		return t, t.AddDate(0, 1, 0)
	}
	t, err := time.Parse("2006", text)
	if err != nil {
		t = time.Time{} // not a date after all: selects nothing, and the answer says so
	}
	return t, t.AddDate(1, 0, 0)
}

// Words writes filters as a person would: "sex = female and year = 2007".
func Words(filters []question.Filter) string {
	parts := make([]string, len(filters))
	for i, f := range filters {
		values := strings.Join(f.Values, ", ")
		switch f.Op {
		case question.Between:
			parts[i] = f.Column.Name + " from " + number(f.Column, f.Values[0]) + " to " + number(f.Column, f.Values[1])
		case question.In:
			parts[i] = f.Column.Name + " = " + strings.Join(f.Values, " or ")
		case question.NotIn:
			parts[i] = f.Column.Name + " neither " + strings.Join(f.Values, " nor ")
		case question.Known:
			parts[i] = f.Column.Name + " known"
		case question.Unknown:
			parts[i] = f.Column.Name + " missing"
		case question.Ne:
			parts[i] = f.Column.Name + " other than " + values
		default:
			parts[i] = f.Column.Name + " " + string(f.Op) + " " + number(f.Column, values)
		}
	}
	return strings.Join(parts, " and ")
}

// number writes a number with thousands separators, unless it is a year.
func number(c question.Column, text string) string {
	if _, err := strconv.ParseFloat(text, 64); err != nil || !c.Numeric() || c.Year() || strings.ContainsAny(text, "eExX_") {
		return text
	}
	whole, rest, _ := strings.Cut(text, ".")
	sign := ""
	if strings.HasPrefix(whole, "-") {
		sign, whole = "-", whole[1:]
	}
	for i := len(whole) - 3; i > 0; i -= 3 {
		whole = whole[:i] + "," + whole[i:]
	}
	if rest != "" {
		rest = "." + rest
	}
	return sign + whole + rest
}
