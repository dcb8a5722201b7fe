// Package nearest finds the names that a wrong one may have meant.
package nearest

import (
	"cmp"
	"slices"
	"strconv"
	"strings"

	"github.com/agnivade/levenshtein"

	"github.com/mark-analyst/mark/internal/untrusted"
)

const (
	most         = 5
	maxNameBytes = 300
)

// Names returns the names that a wrong one may have meant, the nearest first. Of a
// name with dots the last part is enough.
func Names(wrong string, names []string) []string {
	if len(wrong) > maxNameBytes {
		return nil
	}
	type candidate struct {
		name     string
		distance int
	}
	wrong = strings.ToLower(wrong)
	var list []candidate
	for _, name := range names {
		if len(name) > maxNameBytes {
			continue
		}
		lower := strings.ToLower(name)
		last := lower[strings.LastIndexByte(lower, '.')+1:]
		distance := min(levenshtein.ComputeDistance(wrong, lower), levenshtein.ComputeDistance(wrong, last))
		if strings.Contains(lower, wrong) || strings.Contains(wrong, last) {
			distance = min(distance, 2)
		}
		if distance <= max(2, len(wrong)/2) {
			list = append(list, candidate{name, distance})
		}
	}
	slices.SortStableFunc(list, func(a, b candidate) int { return cmp.Or(a.distance-b.distance, cmp.Compare(a.name, b.name)) })
	var out []string
	for _, c := range list[:min(len(list), most)] {
		out = append(out, c.name)
	}
	return slices.Compact(out)
}

// Told tells of such names, as a sentence after another.
func Told(names []string) string { return " Nearest: " + Quoted(names) + "." }

// Quoted lists names within a sentence: they are data, and stand in quotes.
func Quoted(names []string) string {
	quoted := make([]string, len(names))
	for i, name := range names {
		quoted[i] = strconv.Quote(untrusted.Line(name))
	}
	return strings.Join(quoted, ", ")
}
