package question

import (
	"strconv"
	"strings"
)

// unitNames maps what people write after a number to the unit as the names of
// columns have it.
var unitNames = map[string]string{
	"mm": "mm", "millimetre": "mm", "millimetres": "mm", "millimeter": "mm", "millimeters": "mm",
	"cm": "cm", "centimetre": "cm", "centimetres": "cm", "centimeter": "cm", "centimeters": "cm",
	"m": "m", "metre": "m", "metres": "m", "meter": "m", "meters": "m",
	"km": "km", "kilometre": "km", "kilometres": "km", "kilometer": "km", "kilometers": "km",
	"g": "g", "gram": "g", "grams": "g", "gramme": "g", "grammes": "g",
	"kg": "kg", "kilo": "kg", "kilos": "kg", "kilogram": "kg", "kilograms": "kg",
	"mg": "mg", "percent": "percent", "pct": "percent",
	"usd": "usd", "dollar": "usd", "dollars": "usd", "eur": "eur", "euro": "eur", "euros": "eur",
	"s": "s", "sec": "s", "second": "s", "seconds": "s", "min": "min", "minute": "min", "minutes": "min",
	"h": "h", "hour": "h", "hours": "h",
}

// inBase says how many of a kind's base unit a unit is.
var inBase = map[string]struct {
	kind string
	size float64
}{
	"mm": {"length", 1}, "cm": {"length", 10}, "m": {"length", 1e3}, "km": {"length", 1e6},
	"mg": {"mass", 1}, "g": {"mass", 1e3}, "kg": {"mass", 1e6},
	"s": {"time", 1}, "min": {"time", 60}, "h": {"time", 3600},
}

func unitName(w string) string { return unitNames[w] }

// scaleOf returns the factor of a key such as "scale.1000000".
func scaleOf(key string) float64 {
	f, err := strconv.ParseFloat(strings.TrimPrefix(key, "scale."), 64)
	if err != nil {
		return 1 // the lexicon is ours: a test reads every scale
	}
	return f
}

// inUnitOf converts a number that was given in unit to the unit that the name of
// the column ends in. It returns the number as it is where either has none.
func inUnitOf(c Column, number float64, unit string) (converted float64, changed, ok bool) {
	words := nameWords(c.Name)
	own := words[len(words)-1]
	from, hasFrom := inBase[unit]
	to, hasTo := inBase[own]
	switch {
	case unit == "" || unit == own || !hasFrom || !hasTo || len(words) == 1:
		return number, false, true
	case from.kind != to.kind:
		return number, false, false
	}
	return number * from.size / to.size, true, true
}

// plain writes a number as people and Python read it: in decimal, without an
// exponent where that is reasonable.
func plain(f float64) string {
	if abs := max(f, -f); abs < 1e15 && (abs >= 1e-6 || f == 0) {
		return strconv.FormatFloat(f, 'f', -1, 64)
	}
	return strconv.FormatFloat(f, 'g', -1, 64)
}
