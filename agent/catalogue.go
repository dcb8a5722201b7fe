package agent

import (
	"fmt"
	"strings"
	"unicode/utf8"

	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/internal/untrusted"
)

const (
	// listedColumns is how many columns of a dataset the catalogue names.
	listedColumns = 40
	// narrow is the share of a dataset, characters, below which nothing is told
	// twice.
	narrow = 150
)

// catalogue is the datasets as the system prompt lists them: enough to choose
// by, within half of what a tool's result may have. Where they are many each
// has its share, and those that the question speaks of come first and have more of
// it: descriptions, expressions and columns are left out before datasets are, and
// list_datasets tells of those.
func (k *work) catalogue(question string) string {
	if len(k.datasets) == 0 {
		return "(no dataset yet)\n"
	}
	room := k.Limits.ResultCharacters / 2
	all := make([]ranked, len(k.datasets))
	for i, d := range k.datasets {
		all[i] = ranked{Dataset: d}
	}
	if room/len(all) < roomy { // else the prompt's beginning need not change with the question
		all = rank(k.datasets, question)
	}
	shares := k.shares(all, room)
	var b strings.Builder
	used := 0
	for i, d := range all {
		entry := k.catalogued(d.Dataset, shares[i])
		rest := fmt.Sprintf("(and %d more, see list_datasets)\n", len(all)-i)
		reserve := len(rest)
		if i+1 == len(all) {
			reserve = 0
		}
		if used += utf8.RuneCountInString(entry); i > 0 && used+reserve > room {
			b.WriteString(rest)
			break
		}
		b.WriteString(entry)
	}
	return clip(b.String(), room)
}

// catalogued is a dataset's entry, in about so many characters.
func (k *work) catalogued(d *ent.Dataset, share int) string {
	var b strings.Builder
	name, file := untrusted.Line(d.Name), k.fileName(d)
	fmt.Fprintf(&b, "- name %s", encode(name))
	table := ""
	switch {
	case isTable(d):
		is, more := k.cataloguedTable(d)
		b.WriteString(is)
		table = more
	case file != name || share >= narrow:
		fmt.Fprintf(&b, ", file %s", encode(file))
	}
	fmt.Fprintf(&b, ", state %s", d.State)
	if d.RowCount != nil {
		fmt.Fprintf(&b, ", %d rows", *d.RowCount)
	}
	add := func(text string) {
		if b.Len()+len(text) < share { // the end of the line, too
			b.WriteString(text)
		}
	}
	add(table)
	if d.Description != "" {
		add(fmt.Sprintf(", described as %s", encode(clip(untrusted.Line(d.Description), 300))))
	}
	if load := k.loadCode(d); load != "" && len(load) <= maxLoadCode && isPlain(load) {
		add("\n  load: " + load)
	}
	if columns := catalogueColumns(d.Edges.Columns, share-b.Len()); columns != "" {
		b.WriteString(columns)
	} else {
		add(fmt.Sprintf(", %d columns", len(d.Edges.Columns)))
	}
	b.WriteString("\n")
	return b.String()
}

// catalogueColumns names as many columns as there is room for; "" where there is
// none.
func catalogueColumns(columns []*ent.Column, room int) string {
	var b strings.Builder
	b.WriteString("\n  columns: ")
	for i, c := range columns {
		column := fmt.Sprintf("%s %s", encode(clip(c.Name, 80)), c.Type)
		full := b.Len()+len(column) > room-20
		switch {
		case full && i == 0:
			return ""
		case full || i == listedColumns:
			fmt.Fprintf(&b, ", and %d more", len(columns)-i)
			return b.String()
		case i > 0:
			b.WriteString(", ")
		}
		b.WriteString(column)
	}
	return b.String()
}
