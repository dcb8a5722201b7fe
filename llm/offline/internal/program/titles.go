package program

import (
	"strings"

	"github.com/mark-analyst/mark/llm/offline/internal/question"
)

// titles names the tables and charts of the program.
func (v *view) titles() {
	q := v.query
	measured := joinWords(v.Measures, "and")
	by := ""
	if len(v.By) > 0 {
		by = " by " + joinWords(v.By, "and")
	}
	where := ""
	if v.Where != "" {
		where = " (" + v.Where + ")"
	}
	computed := v.Label.Words
	if len(v.Aggs) > 0 && measured != "" {
		var words []string
		for _, a := range v.Aggs {
			words = append(words, question.AggName(a))
		}
		computed = joinWords(words, "and") + " " + measured
		if len(v.Aggs) == 1 && v.Aggs[0] == question.Std {
			computed = computedWords(question.Std, measured)
		}
	}
	if v.Alone {
		computed = v.Measure
	}
	switch v.intent {
	case question.Aggregate:
		v.Title = computed + by
	case question.Trend:
		v.Title = computed + by + " over " + q.Time.Name
		if q.Time.Name == "year" {
			v.Title = computed + by + " over the years"
		}
		v.BestTitle = "The " + v.Extreme + " of these" + where
	case question.Top:
		if len(v.By) == 0 {
			computed = measured
		}
		v.Title = v.Extreme + " " + computed + by
	case question.Count:
		v.Title = "number of rows" + by
	case question.Distinct:
		v.Title = "different values of " + v.LastMeasure + by
		for _, m := range v.Measures {
			v.Titles = append(v.Titles, upper("different values of "+m+where))
		}
	case question.Distribution:
		v.Title = "distribution of " + v.Measure + by
		v.Titles = []string{upper(v.Title + where)}
	case question.Correlation:
		v.Title = "correlation"
		if measured != "" {
			v.Title += " of " + measured + by
		}
	case question.Compare:
		v.Title = measured + by
		if len(v.Measures) > 1 {
			v.Title = "means" + by
		}
		v.MeanTitle = "mean " + v.Measure
	case question.Share:
		v.Title = "share" + by
		if v.Measure != "" {
			v.Title = "share of " + v.Measure + by
		}
		if len(q.Part) > 0 {
			v.Title = "share of rows with " + Words(q.Part)
			if v.Measure != "" {
				v.Title = "share of " + v.Measure + " with " + Words(q.Part)
			}
		}
	case question.Missing:
		v.Title = "missing values"
	case question.Duplicates:
		v.Title = "repeated rows"
	case question.Outliers:
		v.Title = "outliers"
		v.RowsTitle = "Rows with an outlier" + where
	case question.Preview:
		v.Title = "rows of " + v.File
	case question.Columns:
		v.Title = "columns of " + v.File
	case question.Rows:
		v.Title = "rows of " + v.File
	default:
		v.Title = "summary of " + v.File
		if len(v.Measures) > 0 {
			v.Title = "summary of " + measured
		}
		v.Titles = []string{upper(v.Title + where)}
	}
	if v.SpreadTitle == "" {
		v.SpreadTitle = "How the values are spread" + where
		if v.Measure != "" {
			v.SpreadTitle = "How " + v.Measure + " is spread" + where
		}
	}
	v.Title, v.SingleTitle = upper(v.Title+where), upper("row of "+v.File+where)
}

// upper writes the first letter large, unless a column's name stands first.
func upper(s string) string {
	first, _, _ := strings.Cut(s, " ")
	for _, w := range []string{
		"mean", "median", "total", "minimum", "maximum", "standard", "number", "row", "different", "distribution", "correlation",
		"share", "missing", "repeated", "outliers", "rows", "columns", "summary", "highest", "lowest", "means",
	} {
		if strings.TrimSuffix(first, ",") == w {
			return strings.ToUpper(s[:1]) + s[1:]
		}
	}
	return s
}
