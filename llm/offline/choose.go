package offline

import (
	"encoding/json"
	"fmt"
	"regexp"
	"slices"
	"strings"

	"github.com/mark-analyst/mark/llm/offline/internal/program"
	"github.com/mark-analyst/mark/llm/offline/internal/question"
)

// handle is what describe_dataset is asked with: the id, where there is one,
// because names need not be unique.
func (l listed) handle() string {
	if l.ID != "" {
		return l.ID
	}
	return l.Name
}

func (l listed) dataset() question.Dataset { return question.Dataset{Name: l.Name, File: l.File} }

// candidates returns the data sets that the question may be about: those that it
// names, else those that were attached to it, else all.
func candidates(c conversation, ready []listed) []listed {
	var named, attached []listed
	for _, l := range ready {
		d := l.dataset()
		if d.Mentioned(c.now.question) {
			named = append(named, l)
		}
		if file, err := json.Marshal(l.File); err == nil && strings.Contains(c.now.context, "Attached: "+string(file)) {
			attached = append(attached, l)
		}
	}
	switch {
	case len(named) > 0 && len(ready) > maxDescribed:
		return named
	case len(attached) > 0 && len(named) == 0:
		return attached
	}
	return ready
}

// describedOf returns the profiles of the data sets as far as the conversation
// shows them, and those that it does not show. A description of an earlier
// question counts while the file's name and the number of rows have not changed.
func describedOf(c conversation, chosen []listed) (profiles []question.Dataset, missing []listed) {
	for _, l := range chosen {
		d, known := profileOf(c.now, l)
		for i := len(c.earlier) - 1; i >= 0 && !known; i-- {
			d, known = profileOf(c.earlier[i], l)
			known = known && d.File == l.File
		}
		switch {
		case known:
			profiles = append(profiles, d)
		case !askedFor(c.now, l):
			missing = append(missing, l)
		}
	}
	return profiles, missing
}

func profileOf(e exchange, l listed) (question.Dataset, bool) {
	for _, r := range e.results(describeDataset) {
		if handleOf(r) != l.handle() && handleOf(r) != l.Name {
			continue
		}
		d, ok := parseDescription(r.result)
		if ok && (l.Rows == nil || *l.Rows == d.Rows) {
			return d, true
		}
	}
	return question.Dataset{}, false
}

// askedFor tells whether the data set was described in answer to this question
// already: then asking again would bring nothing.
func askedFor(e exchange, l listed) bool {
	return slices.ContainsFunc(e.results(describeDataset), func(r call) bool { return handleOf(r) == l.handle() })
}

func handleOf(c call) string {
	var args struct {
		Name string `json:"name"`
	}
	if json.Unmarshal([]byte(c.args), &args) != nil {
		return ""
	}
	return args.Name
}

// subject is what a question is about and what it says of it.
type subject struct {
	data    *question.Dataset
	reading question.Reading
	ask     string // a question back that must come first
}

// choose settles which data set the question is about: the one that it names,
// else the only one that it makes sense for, else the one that was in use last.
func choose(c conversation, profiles []question.Dataset) subject {
	asked, before := c.now.question, c.earlier
	named := slices.DeleteFunc(slices.Clone(profiles), func(d question.Dataset) bool { return !d.Mentioned(asked) })
	named = literally(asked, named)
	if len(named) == 1 && (named[0].Names(asked) || isNameOf(asked, named[0])) && len(before) > 0 {
		// "penguins": the answer to the question which data set was meant
		asked, before = before[len(before)-1].question, before[:len(before)-1]
	}
	pool := profiles
	if len(named) > 0 {
		pool = named
	}
	var read []subject
	for i := range pool {
		read = append(read, understand(c, &pool[i], before, asked))
	}
	if len(read) == 1 {
		return read[0]
	}
	fitting := slices.DeleteFunc(slices.Clone(read), func(s subject) bool { return s.reading.Query == nil })
	if len(fitting) == 0 {
		fitting = slices.DeleteFunc(slices.Clone(read), func(s subject) bool {
			return len(s.reading.Lookup) == 0 && s.reading.Ambiguous == nil && s.reading.Partial == nil
		})
	}
	if len(fitting) == 1 {
		return fitting[0]
	}
	if len(fitting) == 0 {
		fitting = read
	}
	if s, ok := inUse(c, fitting); ok {
		return s
	}
	var names []string
	for _, s := range fitting {
		name := s.data.Name
		if slices.ContainsFunc(fitting, func(o subject) bool { return o.data != s.data && strings.EqualFold(o.data.Name, name) }) {
			name = s.data.File // of which there is but one
		}
		names = append(names, "“"+escapeMarkdown(name)+"”")
	}
	return subject{ask: "Which data set do you mean, " + joined(names, "or") + "? (I am the offline analyst and look at one at a time.)"}
}

// literally returns those of the data sets of which the most of the name, or of
// the file's name, stands in the question as it is written: "stores.csv" is not
// the other file, stores.tsv.
func literally(asked string, named []question.Dataset) []question.Dataset {
	for _, form := range []func(string) string{func(s string) string { return s }, strings.ToLower} {
		most, kept := 0, []question.Dataset(nil)
		for _, d := range named {
			length := 0
			if strings.Contains(form(asked), form(d.Name)) {
				length = 2 * len(d.Name)
			}
			if strings.Contains(form(asked), form(d.File)) { // of which there is but one
				length = max(length, 2*len(d.File)+1)
			}
			if length > most {
				most, kept = length, nil
			}
			if length > 0 && length == most {
				kept = append(kept, d)
			}
		}
		if most > 0 {
			return kept
		}
	}
	return named
}

// isNameOf tells whether a text is nothing but a data set's name or file.
func isNameOf(text string, d question.Dataset) bool {
	text = strings.Trim(text, " \t\n.?!\"'“”`")
	return strings.EqualFold(text, d.Name) || strings.EqualFold(text, d.File)
}

// withoutFile takes the file's name out of a question, which may hold words and
// numbers that would be read otherwise: "stores (2).csv". In quotation marks it is
// part of a program.
func withoutFile(text string, d question.Dataset) string {
	for _, name := range []string{d.File, d.Name} {
		if !strings.Contains(name, ".") || !strings.Contains(strings.ToLower(text), strings.ToLower(name)) {
			continue
		}
		text = regexp.MustCompile("(?i)(^|[^\\w'\"`])"+regexp.QuoteMeta(name)+"($|[^\\w'\"`])").ReplaceAllString(text, "${1}the data${2}")
	}
	return text
}

// inUse returns the subject whose data the latest program of the conversation
// loaded.
func inUse(c conversation, subjects []subject) (subject, bool) {
	for _, e := range slices.Backward(append(slices.Clone(c.earlier), c.now)) {
		for _, r := range slices.Backward(e.results(runPython)) {
			for _, s := range subjects {
				if strings.Contains(r.code(), program.Load(*s.data)) {
					return s, true
				}
			}
		}
	}
	return subject{}, false
}

// understand reads the question after the ones before it, so that "now by
// region" finds what it changes.
func understand(c conversation, d *question.Dataset, before []exchange, asked string) subject {
	ctx := question.Context{}
	ctx.Found, ctx.Missed = lookups(c, d)
	var open *question.Ambiguity
	last := ""
	read := func(text string) question.Reading {
		text = withoutFile(text, *d)
		if open != nil {
			if whole, ok := open.Resolve(last, text); ok {
				text = whole
			}
		}
		r := d.Read(text, ctx)
		open, last = r.Ambiguous, text
		ctx.Pending = r.Partial != nil
		switch {
		case r.Query != nil && r.Query.Intent != question.Run:
			ctx.Previous = r.Query
		case r.Partial != nil:
			ctx.Previous = r.Partial
		}
		return r
	}
	for _, e := range before {
		read(e.question)
	}
	r := read(asked)
	return subject{data: d, reading: r}
}

// lookups returns what lookups in this data set have come back with. Words that
// the latest one was asked for and did not find are missed, even where its
// result is cut.
func lookups(c conversation, d *question.Dataset) (found []question.Found, missed []string) {
	load := program.Load(*d)
	for _, e := range append(slices.Clone(c.earlier), c.now) {
		for _, r := range e.results(runPython) {
			if !program.IsLookup(r.code()) || !strings.Contains(r.code(), load) {
				continue
			}
			f, m := lookedUp(parsePython(r.result))
			found, missed = append(found, f...), append(missed, m...)
			for _, word := range program.LookedUp(r.code()) {
				if !slices.ContainsFunc(found, func(f question.Found) bool { return f.Term == word }) {
					missed = append(missed, word)
				}
			}
		}
	}
	return found, missed
}

func nameList(list []listed) string {
	var names []string
	for _, l := range list {
		names = append(names, "“"+escapeMarkdown(l.Name)+"”")
	}
	const shown = 20
	if len(names) > shown {
		names = append(names[:shown], "others")
	}
	return joined(names, "and")
}

func joined(list []string, last string) string {
	if len(list) < 2 {
		return strings.Join(list, "")
	}
	return strings.Join(list[:len(list)-1], ", ") + " " + last + " " + list[len(list)-1]
}

func counted(n int) string { return fmt.Sprint(n) }
