package question

import "slices"

// merge reads the question as a change to the one before: what it says replaces
// what was said, the rest stays.
func (r *reader) merge(before Query) {
	said := r.q
	q := before.clone()
	q.Notes = said.Notes
	r.mergeIntent(&q, said)
	r.mergeDivision(&q, said)
	r.mergeFilters(&q, said)
	if len(said.Measures) > 0 && said.Intent != Distinct {
		if r.said.add && (q.Intent == Aggregate || q.Intent == Correlation || q.Intent == Describe) {
			for _, m := range said.Measures {
				if !slices.ContainsFunc(q.Measures, func(c Column) bool { return c.Name == m.Name }) {
					q.Measures = append(q.Measures, m)
				}
			}
		} else {
			q.Measures = said.Measures
		}
	}
	if len(said.Aggs) > 0 {
		q.Aggs = said.Aggs
	}
	if r.said.aggs || !slices.Equal(q.Aggs, before.Aggs) {
		q.Assumed = false
	}
	if said.N > 0 {
		q.N = said.N
	}
	if r.said.order {
		q.Bottom = said.Bottom
	}
	if said.Kind != "" {
		q.Kind = said.Kind
	}
	q.Tail = q.Tail || said.Tail && q.Intent == Preview
	r.q = q
	r.mergeNumber()
	if q.Intent == "" {
		r.stop("I did not understand the question.")
	}
}

// mergeNumber reads a bare number after a ranking: "10 instead".
func (r *reader) mergeNumber() {
	for i := range r.spans {
		s := &r.spans[i]
		if s.kind == numberSpan && !s.used && s.unit == "" && s.number >= 1 && s.number <= maxN && (r.q.Intent == Top || r.q.Intent == Preview) {
			r.q.N, s.used = int(s.number), true
		}
	}
}

// mergeIntent settles what is asked for: what the words say, where they say it.
func (r *reader) mergeIntent(q *Query, said Query) {
	switch said.Intent {
	case Duplicates, Outliers, Missing, Correlation, Share, Compare, Columns, Describe, Preview:
		if said.Intent == Describe && len(said.Measures) > 0 && !r.has("describe") {
			return // "and bill length?": another measure
		}
		q.Intent = said.Intent
		q.Part = nil
	case Distribution:
		q.Intent = Distribution
	case Trend:
		q.Intent, q.Time, q.Period = Trend, said.Time, said.Period
		if len(q.Measures) > 0 && !r.said.add && r.said.period {
			q.By = nil
		}
	case Top:
		if q.Intent == Aggregate && len(q.By) == 0 && !r.said.number {
			q.Aggs = []Agg{Max}
			if said.Bottom {
				q.Aggs = []Agg{Min}
			}
			return
		}
		if q.Intent == Trend && len(q.By) == 0 {
			q.N = max(said.N, 1) // the best months of a trend
			return
		}
		if q.Intent == Trend {
			q.Time, q.Period = nil, ""
		}
		if q.Intent != Preview || r.said.order {
			q.Intent = Top
		}
		if q.N == 0 && r.has("which") {
			q.N = 1
		} else if q.N == 0 {
			q.N = defaultTop
		}
	case Count, Distinct:
		if r.has("count", "distinct") {
			q.Intent = said.Intent
			if said.Intent == Distinct || len(said.By) > 0 {
				q.Measures, q.By = said.Measures, said.By
			}
		}
	case Aggregate:
		if !r.said.aggs {
			return
		}
		if !slices.Contains([]Intent{Aggregate, Trend, Top, Compare}, q.Intent) {
			q.Intent = Aggregate
		}
		if q.Intent == Compare {
			q.Intent = Aggregate
		}
	}
}

// mergeDivision settles what the result is divided by.
func (r *reader) mergeDivision(q *Query, said Query) {
	if said.Intent == Trend && said.Time != nil && r.said.period {
		q.Intent, q.Time, q.Period = Trend, said.Time, said.Period
	}
	by := said.By
	if len(by) == 0 && said.Intent != Trend && said.Intent != Distribution && said.Intent != Correlation {
		by = r.entities // "and for region?"
		r.entities = nil
		if said.Intent == Distinct || said.Intent == Rows && said.Entity != nil {
			by = append(by, said.Measures...)
			if said.Entity != nil {
				by = []Column{*said.Entity}
			}
		}
	}
	if len(by) == 0 {
		return
	}
	switch q.Intent {
	case Describe, Rows, Preview:
		if len(q.Measures) > 0 {
			q.Intent = Aggregate
		} else {
			q.Intent = Count
		}
	case Trend:
		if !r.said.period {
			q.note("I kept the trend over " + timeName(*q) + ".")
		}
	}
	if r.said.add {
		for _, c := range by {
			if len(q.By) < maxDivisions && !slices.ContainsFunc(q.By, func(o Column) bool { return o.Name == c.Name }) {
				q.By = append(q.By, c)
			}
		}
		return
	}
	q.By = by[:min(len(by), maxDivisions)]
}

func timeName(q Query) string {
	if q.Time == nil {
		return "time"
	}
	return q.Time.Name
}

// mergeFilters lets a new filter take the place of those on the same column.
func (r *reader) mergeFilters(q *Query, said Query) {
	if r.said.clear {
		q.Filters, q.Part = nil, nil
	}
	for _, f := range said.Filters {
		same := func(o Filter) bool { return o.Column.Name == f.Column.Name }
		if q.Intent == Share && len(q.Part) > 0 && slices.ContainsFunc(q.Part, same) {
			q.Part = append(slices.DeleteFunc(q.Part, same), f)
			continue
		}
		q.Filters = append(slices.DeleteFunc(q.Filters, same), f)
	}
}
