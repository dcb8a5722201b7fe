package question

import "slices"

// finishAggs chooses how numbers are summed up where the question does not say.
func (r *reader) finishAggs() {
	q := &r.q
	switch q.Intent {
	case Aggregate, Trend, Top:
	case Compare, Distribution, Correlation, Outliers, Describe:
		q.Aggs = nil
		return
	default:
		return
	}
	if len(q.Measures) == 0 {
		return
	}
	if q.Intent == Top && len(q.By) == 0 {
		q.Aggs = nil
		return
	}
	if slices.Contains(q.Aggs, Sum) && q.Measures[0].rate() {
		q.note("The column " + q.Measures[0].Name + " looks like a rate; a sum of rates may mean little.")
	}
	if len(q.Aggs) > 0 {
		if q.Intent != Aggregate && len(q.Aggs) > 1 {
			r.stop("I can draw only one of " + join(aggNames(q.Aggs)) + " at a time here.")
		}
		return
	}
	if q.Measures[0].Additive() {
		q.Aggs = []Agg{Sum}
	} else {
		q.Aggs = []Agg{Mean}
	}
	if q.Intent != Top || !r.perEntity() {
		q.Assumed = true
	}
}

// perEntity tells whether the groups are the entities of a panel, so that a year
// has one row of each.
func (r *reader) perEntity() bool {
	entity, _, ok := r.data.panel()
	return ok && len(r.q.By) == 1 && r.q.By[0].Name == entity.Name
}

// finishPanel keeps the years of a panel ("every country in every year") from
// being lumped together where that makes no sense, and says so where it may.
func (r *reader) finishPanel() {
	q := &r.q
	entity, year, ok := r.data.panel()
	if !ok || slicesHas(q.Filters, year) || q.Time != nil || slices.ContainsFunc(q.By, func(c Column) bool { return c.Name == year.Name }) {
		if ok && slices.Contains(q.Aggs, Sum) && q.Time == nil && !r.oneYear(year) && slicesHas(q.Filters, year) {
			q.note("The total adds up several years.")
		}
		if ok && r.perEntity() && q.Intent == Top && r.oneYear(year) {
			q.By, q.Aggs, q.Entity = nil, nil, &entity // one row each: rank the rows
		}
		return
	}
	sums := slices.Contains(q.Aggs, Sum)
	switch {
	case q.Intent == Top && (sums || len(q.By) == 0 || r.perEntity()), q.Intent == Aggregate && sums, q.Intent == Share && len(q.Measures) > 0:
		q.Filters = append(q.Filters, Filter{Column: year, Op: Eq, Values: []string{year.Max}})
		q.note("You named no year, so I took the latest, " + year.Max + ".")
		if q.Intent == Top && r.perEntity() {
			q.By, q.Aggs = nil, nil
		}
		if q.Intent == Top && len(q.By) == 0 {
			q.Entity = &entity
		}
	case slices.Contains([]Intent{Aggregate, Top, Distribution, Correlation, Compare, Outliers}, q.Intent),
		(q.Intent == Rows || q.Intent == Distinct || q.Intent == Count) && r.filtersNumber():
		q.note("All years from " + year.Min + " to " + year.Max + " are taken together; add “in " + year.Max + "” to look at one.")
	}
}

// finishSingle sees where a panel leaves one row for each point or group: one
// entity over the years, or the entities in one year.
func (r *reader) finishSingle() {
	q := &r.q
	entity, year, ok := r.data.panel()
	one := slices.ContainsFunc(q.Filters, func(f Filter) bool { return f.Column.Name == entity.Name && f.Op == Eq })
	q.Single = ok && q.Assumed && (q.Intent == Trend && q.Time.Name == year.Name && (one || r.perEntity()) ||
		q.Intent == Aggregate && r.perEntity() && r.oneYear(year))
}

// finishWeights says of a mean over the entities of a panel that it weighs them
// all the same: the mean of all countries is not that of all people.
func (r *reader) finishWeights() {
	q := &r.q
	entity, _, ok := r.data.panel()
	averaged := slices.Contains(q.Aggs, Mean) || q.Intent == Compare
	own := slices.ContainsFunc(q.By, func(c Column) bool { return c.Name == entity.Name }) ||
		slices.ContainsFunc(q.Filters, func(f Filter) bool { return f.Column.Name == entity.Name && f.Op == Eq })
	if ok && averaged && !own && slices.ContainsFunc(q.Measures, func(c Column) bool { return !c.Additive() }) {
		q.note("Every " + entity.Name + " counts the same in a mean, however large it is.")
	}
}

// oneYear tells whether the filters leave a single year.
func (r *reader) oneYear(year Column) bool {
	return slices.ContainsFunc(r.q.Filters, func(f Filter) bool { return f.Column.Name == year.Name && f.Op == Eq })
}

// finishGroups refuses to divide by a number with too many values.
func (r *reader) finishGroups() {
	q := &r.q
	if len(q.By) > maxDivisions {
		r.stop("I can divide by two columns at most, not by " + join(names(q.By)) + ".")
		return
	}
	for _, c := range q.By {
		if c.Type == Float || c.Type == Integer && !c.Year() && !c.Identifier() && (c.Distinct < 0 || c.Distinct > maxGroups) {
			r.stop(c.Name + " is a number with many values, so it makes no groups; I can draw it against another number or show its distribution.")
			return
		}
	}
	switch q.Intent {
	case Missing, Duplicates, Columns, Preview, Outliers, Rows:
		if len(q.By) > 0 {
			r.stop("I cannot divide that by " + q.By[0].Name + ".")
		}
	case Correlation, Distinct, Trend:
		if len(q.By) > 1 {
			r.stop("I can divide that by one column only, not by " + join(names(q.By)) + ".")
		}
	case Describe:
		if len(q.By) > 0 {
			q.Intent = Compare
			if len(q.Measures) == 0 {
				q.Measures = r.data.measures()[:min(maxCompared, len(r.data.measures()))]
			}
		}
	}
}

// fitting says which charts an intent can be drawn as; the first is its own.
var fitting = map[Intent][]Kind{
	Aggregate:    {Bar, Line, Pie, Scatter},
	Count:        {Bar, Line, Pie},
	Top:          {Bar, Scatter},
	Trend:        {Line, Bar, Scatter},
	Share:        {Pie, Bar},
	Distribution: {Histogram, Box, Bar, Pie},
	Correlation:  {Scatter, Line},
	Compare:      {Box, Bar},
	Missing:      {Bar},
	Distinct:     {Bar, Pie},
	Outliers:     {Box},
}

// finishKind sees to it that the chart suits what is shown.
func (r *reader) finishKind() {
	q := &r.q
	if q.Kind == "" {
		return
	}
	kinds := fitting[q.Intent]
	reason := ""
	switch {
	case len(kinds) == 0 || q.Intent == Aggregate && len(q.By) == 0:
		reason = "There is nothing here that a " + string(q.Kind) + " chart could show."
		q.Kind = ""
	case q.Kind == Pie && (q.Intent == Aggregate && !slices.Equal(q.Aggs, []Agg{Sum}) || len(q.By) > 1):
		reason = "A pie shows the parts of a whole, which these numbers are not, so I drew bars."
		q.Kind = Bar
	case q.Intent == Distribution && q.Measures[0].Numeric() && (q.Kind == Bar || q.Kind == Pie):
		if q.Kind == Pie {
			reason = "A pie cannot show how numbers are spread, so I drew a histogram."
		}
		q.Kind = Histogram
	case q.Intent == Distribution && !q.Measures[0].Numeric() && (q.Kind == Histogram || q.Kind == Box):
		if q.Kind == Box {
			reason = "A box plot needs numbers, so I drew bars."
		}
		q.Kind = Bar
	case !slices.Contains(kinds, q.Kind):
		reason = "A " + string(q.Kind) + " chart does not suit this, so I drew a " + string(kinds[0]) + " chart."
		q.Kind = kinds[0]
	}
	if reason != "" {
		q.note(reason)
	}
}
