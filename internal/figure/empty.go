package figure

import "encoding/json"

// holdsData are the attributes of traces that hold what is drawn.
var holdsData = []string{
	"x", "y", "z", "values", "labels", "r", "theta", "a", "b", "c", "lat", "lon", "locations",
	"open", "close", "q1", "median", "dimensions", "cells", "link", "value", "geojson", "u", "parents",
}

// Empty tells whether a figure draws nothing: it has no traces, or each holds
// only empty lists. A figure that cannot be read, or whose traces hold what is
// not known here, is not called empty.
func Empty(raw json.RawMessage) bool {
	var f struct {
		Data []map[string]json.RawMessage `json:"data"`
	}
	if json.Unmarshal(raw, &f) != nil {
		return false
	}
	for _, trace := range f.Data {
		known := false
		for _, name := range holdsData {
			value, ok := trace[name]
			if !ok {
				continue
			}
			if known = true; !emptyList(value) {
				return false
			}
		}
		if !known {
			return false
		}
	}
	return true
}

// emptyList tells whether a value is a list without elements: written as one, or
// packed into base64, as plotly.py writes NumPy arrays.
func emptyList(raw json.RawMessage) bool {
	var list []json.RawMessage
	if json.Unmarshal(raw, &list) == nil {
		return len(list) == 0
	}
	var packed struct {
		Data *string `json:"bdata"`
	}
	return json.Unmarshal(raw, &packed) == nil && packed.Data != nil && *packed.Data == ""
}
