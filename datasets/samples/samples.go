// Package samples holds the data files that Mark brings along, so that a
// newcomer has something to ask about. LICENCES.md, beside the files, says
// where each comes from and on what terms.
package samples

import (
	"embed"
	"fmt"
	"io"
	"slices"
)

//go:embed penguins.csv gapminder.csv
var files embed.FS

// Sample is a bundled data file.
type Sample struct {
	Name        string // stable and short: "penguins"
	File        string // its file name: "penguins.csv"
	Title       string // for people: "Palmer penguins"
	Description string // a sentence or two: what a row is, and when it is from
	Licence     string // SPDX identifier: "CC0-1.0"
	Attribution string // to be shown wherever the data is
}

// All returns the bundled samples, the simplest first. The slice is the
// caller's own.
func All() []Sample {
	return []Sample{
		{
			Name:  "penguins",
			File:  "penguins.csv",
			Title: "Palmer penguins",
			Description: "Size measurements of 344 adult penguins of three species, " +
				"observed on islands near Palmer Station, Antarctica, from 2007 to 2009. A row is a penguin.",
			Licence: "CC0-1.0",
			Attribution: "Dr. Kristen Gorman and the Palmer Station LTER programme; " +
				"palmerpenguins by Allison Horst, Alison Hill and Kristen Gorman (CC0).",
		},
		{
			Name:  "gapminder",
			File:  "gapminder.csv",
			Title: "Gapminder",
			Description: "Life expectancy, population and GDP per person of 142 countries, " +
				"every fifth year from 1952 to 2007. A row is a country in a year.",
			Licence:     "CC-BY-4.0",
			Attribution: "Free data from www.gapminder.org, CC BY 4.0; excerpt by Jennifer Bryan.",
		},
	}
}

// Find returns the sample of that name.
func Find(name string) (Sample, bool) {
	all := All()
	i := slices.IndexFunc(all, func(s Sample) bool { return s.Name == name })
	if i < 0 {
		return Sample{}, false
	}
	return all[i], true
}

// Open opens the sample's file. It fails for a Sample that All did not return.
func (s Sample) Open() (io.ReadCloser, error) {
	f, err := files.Open(s.File)
	if err != nil {
		return nil, fmt.Errorf("open the sample %q: %w", s.Name, err)
	}
	return f, nil
}
