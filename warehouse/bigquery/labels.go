package bigquery

import (
	"maps"
	"slices"
	"strings"
)

const (
	maxLabels     = 60 // BigQuery takes 64
	maxLabelBytes = 63
)

// labels makes labels fit: lower case letters, digits, dashes and underscores,
// at most 63, keys beginning with a letter. What does not fit becomes a dash.
func labels(in map[string]string) map[string]string {
	out := map[string]string{"app": "mark"}
	for _, key := range slices.Sorted(maps.Keys(in)) {
		name := strings.TrimLeft(label(key), "-_0123456789")
		if name != "" && len(out) < maxLabels {
			out[name] = label(in[key])
		}
	}
	return out
}

func label(s string) string {
	fit := strings.Map(func(r rune) rune {
		switch {
		case 'a' <= r && r <= 'z', '0' <= r && r <= '9', r == '_', r == '-':
			return r
		case 'A' <= r && r <= 'Z':
			return r - 'A' + 'a'
		}
		return '-'
	}, s)
	return fit[:min(len(fit), maxLabelBytes)]
}
