package main

import (
	"fmt"
	"io"
	"time"
)

// mostSilence is the longest that nobody may hear anything of a run.
const mostSilence = 10 * time.Second

// mostNotes is how many of what was found is printed.
const mostNotes = 12

// table is what is printed, row by row.
type table struct{ to io.Writer }

func newTable(to io.Writer) *table {
	fmt.Fprintf(to, "%-32s %5s %5s %5s %8s %5s %9s %9s %6s\n", "fault", "runs", "gaps", "twice", "zombies", "lost", "repeated", "silence", "took")
	return &table{to}
}

// row prints what a fault did, and tells whether that was no harm.
func (t *table) row(name string, f findings, err error, took time.Duration) bool {
	if err != nil {
		fmt.Fprintf(t.to, "%-32s did not happen: %v\n", name, err)
		return false
	}
	good := f.harmless(mostSilence)
	verdict := ""
	if !good {
		verdict = "  FAILED"
	}
	t.numbers(name, f, took, verdict)
	for _, fact := range f.facts {
		fmt.Fprintf(t.to, "    %s\n", fact)
	}
	if !good {
		for _, note := range f.notes[:min(len(f.notes), mostNotes)] {
			fmt.Fprintf(t.to, "    %s\n", note)
		}
	}
	return good
}

func (t *table) numbers(name string, f findings, took time.Duration, verdict string) {
	fmt.Fprintf(t.to, "%-32s %5d %5d %5d %8d %5d %9d %8.1fs %5.0fs%s\n", name,
		f.runs, f.gaps, f.duplicates, f.zombies, f.lost, f.repeated, f.silence.Seconds(), took.Seconds(), verdict)
}

// harmless tells whether nothing was found that must not be, nor a silence of more
// than most.
func (f findings) harmless(most time.Duration) bool {
	return f.gaps+f.duplicates+f.zombies+f.lost+f.repeated == 0 && f.silence <= most
}
