package question

import (
	"slices"
	"strings"
	"time"
)

// finish fills in what the question leaves open and can be left open, owns up to
// it, and ends the reading where something is missing or left over.
func (r *reader) finish() {
	r.leftOver()
	for _, pass := range []func(){r.finishIntent, r.finishReach, r.finishTime, r.finishAggs, r.finishPanel, r.finishSingle, r.finishWeights, r.finishGroups, r.finishKind} {
		if r.halt != nil {
			return
		}
		pass()
	}
}

// leftOver ends the reading if a phrase was recognised and yet not used.
func (r *reader) leftOver() {
	for i := range r.spans {
		s := &r.spans[i]
		if s.used {
			continue
		}
		meant := s.kind == columnSpan || s.kind == valueSpan || s.kind == numberSpan || s.kind == dateSpan ||
			s.kind == signSpan && !s.is("to") || s.kind == keySpan && s.is("not", "false", "time.latest", "time.earliest", "quarter.") ||
			s.kind == keySpan && s.is("cmp.") && !s.is("cmp.between", "cmp.than", "cmp.eq")
		// "in the year 2007": the number beside it says it all
		beside := func(j int) bool {
			return j >= 0 && r.spans[j].used && (yearLike(&r.spans[j]) || r.spans[j].is("time.latest", "time.earliest"))
		}
		if s.is("period.") && s.kind == keySpan && !beside(r.last(i)) && !beside(r.next(i)) {
			meant = true
		}
		if meant {
			r.stop("I did not understand what “" + strings.TrimSpace(s.text) + "” is to do there.")
			return
		}
	}
}

func (r *reader) finishIntent() {
	q := &r.q
	if slices.Contains([]Intent{Aggregate, Trend, Top, Correlation, Compare, Outliers}, q.Intent) {
		q.Measures = slices.DeleteFunc(q.Measures, func(c Column) bool { return !c.Numeric() })
	}
	switch q.Intent {
	case Aggregate:
		r.finishMeasure("The " + strings.Join(aggNames(q.Aggs), " and ") + " of which column?")
	case Top:
		if len(q.Measures) == 0 && !r.has("common", "rare", "count") && !r.countsRows && !(r.ctx.Previous != nil && r.ctx.Previous.Intent == Count) && !(r.ctx.Previous != nil && r.ctx.Previous.Intent == Top && len(r.ctx.Previous.Measures) == 0 && !r.ctx.Pending) {
			r.lacking("Ranked by which column?" + r.data.numbersSentence())
		}
	case Count:
		if len(q.Measures) > 0 {
			r.stop("I can count rows, or compute with " + q.Measures[0].Name + ": say which number of it you want, its total or its mean for example.")
		}
	case Distribution:
		if len(q.Measures) == 0 {
			r.lacking("The distribution of which column?" + r.data.numbersSentence())
		} else if c := q.Measures[0]; c.Temporal() {
			q.Intent, q.Time, q.Measures = Trend, &c, nil
		}
	case Correlation:
		r.finishCorrelation()
	case Compare:
		if len(q.By) == 0 {
			r.lacking("Compare which groups?" + r.data.groupsSentence())
			return
		}
		if len(q.Measures) == 0 {
			q.Measures = slices.DeleteFunc(r.data.measures(), func(c Column) bool { return slicesHas(q.Filters, c) })
			q.Measures = q.Measures[:min(len(q.Measures), maxCompared)]
		}
		if len(q.Measures) == 0 {
			q.Intent = Count
		}
	case Share:
		r.finishShare()
	case Distinct:
		if len(q.Measures) == 0 {
			r.lacking("The different values of which column?" + r.data.groupsSentence())
		}
	case Outliers:
		if len(q.Measures) == 0 {
			q.Measures = r.data.measures()
		}
		if len(q.Measures) == 0 {
			r.stop(r.data.File + " has no column of numbers to look for outliers in.")
		}
	case Rows:
		if len(q.Filters) == 0 && len(q.Measures) == 0 && q.Entity == nil {
			q.Intent = Preview
		}
	}
	if len(r.entities) > 0 && q.Intent != Rows && q.Entity == nil && r.halt == nil {
		r.stop("I did not understand what “" + r.entities[0].Name + "” is to do there.")
	}
}

// maxCompared is how many measures a comparison without a named one shows.
const maxCompared = 6

// finishMeasure sees to it that there is a number to compute with.
func (r *reader) finishMeasure(ask string) {
	q := &r.q
	if len(q.Measures) > 0 {
		return
	}
	for _, f := range q.Filters { // "average body mass over 4000"
		if f.Column.Numeric() && !f.Column.Year() && f.Op != Eq {
			q.Measures = []Column{f.Column}
			return
		}
	}
	if len(r.entities) > 0 {
		r.stop(r.entities[0].Name + " holds no numbers to compute with." + r.data.numbersSentence())
		return
	}
	r.lacking(ask + r.data.numbersSentence())
}

func (r *reader) finishCorrelation() {
	q := &r.q
	if len(q.Measures) == 1 && len(q.By)+len(r.entities) == 1 {
		r.takeGroup()
		q.Intent = Compare
		q.note("The column " + q.By[0].Name + " holds no numbers, so I compared its groups instead of computing a correlation.")
		return
	}
	if len(q.Measures) == 1 && q.Time != nil {
		q.Intent = Trend
		return
	}
	if len(q.Measures) < 2 && len(r.data.measures()) < 2 {
		r.stop("A correlation needs two columns of numbers." + r.data.numbersSentence())
	}
	if len(r.entities) > 0 && len(q.By) == 0 && len(q.Measures) >= 2 {
		r.takeGroup()
	}
}

// finishShare tells the rows whose share is asked for from those that make the
// whole: what stands after "are" from what stands before it.
func (r *reader) finishShare() {
	q := &r.q
	if len(q.By) == 0 && len(q.Part) == 0 && len(r.filterAt) == len(q.Filters) {
		copula := -1
		for i := range r.spans {
			if r.spans[i].is("is", "where") && r.anyFilterBefore(i) {
				copula = i
			}
		}
		var whole []Filter
		for i, f := range q.Filters {
			isTime := (f.Column.Temporal() || f.Column.Year()) && len(q.Filters) > 1
			if isTime || copula >= 0 && r.filterAt[i] < copula && r.anyFilterAfter(copula) {
				whole = append(whole, f)
			} else {
				q.Part = append(q.Part, f)
			}
		}
		q.Filters = whole
	}
	for _, f := range q.Part { // "the ratio of male to female"
		if f.Op == In && len(q.By) == 0 {
			q.By, q.Filters, q.Part = []Column{f.Column}, append(q.Filters, q.Part...), nil
			break
		}
	}
	if len(q.By) == 0 && len(q.Part) == 0 {
		r.lacking("The share of what?" + r.data.groupsSentence())
	}
}

func (r *reader) anyFilterBefore(i int) bool {
	return slices.ContainsFunc(r.filterAt, func(at int) bool { return at < i })
}

func (r *reader) anyFilterAfter(i int) bool {
	return slices.ContainsFunc(r.filterAt, func(at int) bool { return at > i })
}

func (r *reader) finishTime() {
	q := &r.q
	if q.Intent != Trend {
		if q.Time != nil && !slices.ContainsFunc(q.By, func(c Column) bool { return c.Name == q.Time.Name }) && len(q.By) < maxDivisions {
			q.By = append(q.By, *q.Time)
		}
		q.Time, q.Period = nil, ""
		return
	}
	if q.Time == nil {
		c, ok := r.timeColumn()
		if !ok {
			return
		}
		q.Time = &c
	}
	if q.Period == "" {
		q.Period = usualPeriod(*q.Time)
		if r.growsByYears(*q.Time) {
			q.Period = Year
		}
	}
	if len(q.Measures) == 0 && len(q.Aggs) > 0 {
		r.lacking("The " + strings.Join(aggNames(q.Aggs), " and ") + " of which column?" + r.data.numbersSentence())
		return
	}
	if len(q.Measures) == 0 {
		if _, _, ok := r.data.panel(); ok && !r.has("count") {
			r.lacking("The trend of which column?" + r.data.numbersSentence())
			return
		}
		if !r.has("count") {
			q.note(countedRows)
		}
	}
}

// growsByYears tells whether a change is asked for from one year to another: of
// months it would be that from a January to a December.
func (r *reader) growsByYears(c Column) bool {
	change := slices.ContainsFunc(r.spans, func(s span) bool {
		text := strings.ToLower(s.text)
		return s.is("trend", "compare") && (strings.HasPrefix(text, "gr") || strings.HasPrefix(text, "chang") || strings.HasPrefix(text, "differ"))
	})
	return change && slices.ContainsFunc(r.q.Filters, func(f Filter) bool {
		return f.Column.Name == c.Name && f.Op == Between && len(f.Values) == 2 && len(f.Values[0]) == 4 && len(f.Values[1]) == 4 && f.Values[0] != f.Values[1]
	})
}

// usualPeriod is the period that gives a trend a readable number of points.
func usualPeriod(c Column) Period {
	if c.Year() {
		return Year
	}
	low, errLow := time.Parse(time.DateOnly, c.Min[:min(10, len(c.Min))])
	high, errHigh := time.Parse(time.DateOnly, c.Max[:min(10, len(c.Max))])
	days := high.Sub(low).Hours() / 24
	switch {
	case errLow != nil || errHigh != nil || days > 62 && days <= 4*366:
		return Month
	case days <= 62:
		return Day
	}
	return Year
}

func aggNames(aggs []Agg) []string {
	var out []string
	for _, a := range aggs {
		out = append(out, AggName(a))
	}
	return out
}

// AggName is the word for an aggregation in a sentence.
func AggName(a Agg) string {
	switch a {
	case Sum:
		return "total"
	case Min:
		return "minimum"
	case Max:
		return "maximum"
	case Std:
		return "standard deviation"
	}
	return string(a)
}

func (d *Dataset) numbersSentence() string {
	list := names(d.measures())
	if len(list) == 0 {
		return " There is no column of numbers."
	}
	return " Columns of numbers: " + join(list[:min(len(list), maxNamed)]) + "."
}

func (d *Dataset) groupsSentence() string {
	list := names(d.groups())
	if len(list) == 0 {
		return d.columnsSentence()
	}
	return " Columns to group by: " + join(list[:min(len(list), maxNamed)]) + "."
}
