// Package params writes the parameters of queries as texts, and refuses those that
// are none. Values never become part of a statement's text.
package params

import (
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"time"

	"cloud.google.com/go/civil"

	"github.com/mark-analyst/mark/warehouse"
)

const most = 1000

var name = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,127}$`)

// Written is a parameter whose values are texts: one, or those of an array. A nil
// text is NULL. Dates and times are ISO 8601 with a space before the time, those of
// timestamps in UTC; bytes are base64.
type Written struct {
	Name  string         `json:"name"`
	Type  warehouse.Type `json:"type"`
	Array bool           `json:"array"`
	Texts []*string      `json:"texts"`
}

// Write writes a query's parameters. Its errors are *warehouse.Error with
// CodeInvalidParameter.
func Write(list []warehouse.Param) ([]Written, error) {
	if len(list) > most {
		return nil, bad("", "There are %d parameters; %d are permitted.", len(list), most)
	}
	out := make([]Written, 0, len(list))
	seen := map[string]bool{}
	for _, p := range list {
		folded := strings.ToLower(p.Name)
		if !name.MatchString(p.Name) || seen[folded] {
			return nil, bad(p.Name, "It must be a name of letters, digits and underscores, and stand once.")
		}
		seen[folded] = true
		w := Written{Name: p.Name, Type: p.Type, Array: p.Array, Texts: []*string{}}
		values := []any{p.Value}
		if p.Array {
			var ok bool
			if values, ok = p.Value.([]any); !ok {
				return nil, bad(p.Name, "It must be a list.")
			}
		}
		for _, v := range values {
			text, err := scalar(p.Name, p.Type, v)
			if err != nil {
				return nil, err
			}
			w.Texts = append(w.Texts, text)
		}
		if _, known := writers[p.Type]; !known {
			return nil, unknown(p.Name, p.Type)
		}
		out = append(out, w)
	}
	return out, nil
}

func scalar(name string, t warehouse.Type, v any) (*string, error) {
	write, known := writers[t]
	if !known {
		return nil, unknown(name, t)
	}
	if v == nil {
		return nil, nil
	}
	text, ok := write(v)
	if !ok {
		return nil, bad(name, "Its value is no %s.", t)
	}
	return &text, nil
}

func unknown(name string, t warehouse.Type) *warehouse.Error {
	return bad(name, "There are no parameters of type %s.", t)
}

func bad(name, format string, args ...any) *warehouse.Error {
	message := fmt.Sprintf(format, args...)
	if name != "" {
		message = fmt.Sprintf("The parameter %q cannot be used. %s", name, message)
	}
	return &warehouse.Error{Code: warehouse.CodeInvalidParameter, Message: message}
}

// writers write a value of each type as warehouses read it, or say that it is none.
var writers = map[warehouse.Type]func(any) (string, bool){
	warehouse.String:     anyText,
	warehouse.Geography:  anyText,
	warehouse.Interval:   anyText,
	warehouse.Bytes:      anyText, // base64
	warehouse.JSON:       jsonText,
	warehouse.Integer:    integer,
	warehouse.Float:      float,
	warehouse.Boolean:    boolean,
	warehouse.Numeric:    exact,
	warehouse.BigNumeric: exact,
	warehouse.Date:       parsed(func(s string) error { _, err := civil.ParseDate(s); return err }),
	warehouse.Time:       parsed(func(s string) error { _, err := civil.ParseTime(s); return err }),
	warehouse.DateTime:   parsed(func(s string) error { _, err := civil.ParseDateTime(s); return err }),
	warehouse.Timestamp:  timestamp,
}

func anyText(v any) (string, bool) { s, ok := v.(string); return s, ok }

func jsonText(v any) (string, bool) {
	s, ok := v.(string)
	return s, ok && json.Valid([]byte(s))
}

func integer(v any) (string, bool) {
	switch v := v.(type) {
	case int:
		return strconv.Itoa(v), true
	case int64:
		return strconv.FormatInt(v, 10), true
	case float64:
		return strconv.FormatFloat(v, 'f', 0, 64), v == math.Trunc(v) && math.Abs(v) <= 1<<53
	case json.Number:
		_, err := v.Int64()
		return v.String(), err == nil
	}
	return "", false
}

func float(v any) (string, bool) {
	switch v := v.(type) {
	case float64:
		return strconv.FormatFloat(v, 'g', -1, 64), true
	case string:
		return v, v == "NaN" || v == "Infinity" || v == "-Infinity"
	case json.Number:
		_, err := v.Float64()
		return v.String(), err == nil
	}
	return integer(v)
}

func boolean(v any) (string, bool) {
	b, ok := v.(bool)
	return strconv.FormatBool(b), ok
}

func exact(v any) (string, bool) {
	s, ok := v.(string)
	if !ok {
		return integer(v)
	}
	_, ok = new(big.Rat).SetString(s)
	return s, ok && !strings.Contains(s, "/")
}

func parsed(parse func(string) error) func(any) (string, bool) {
	return func(v any) (string, bool) {
		s, ok := v.(string)
		return s, ok && parse(s) == nil
	}
}

func timestamp(v any) (string, bool) {
	s, ok := v.(string)
	if !ok {
		return "", false
	}
	at, err := time.Parse(time.RFC3339Nano, s)
	return at.UTC().Format("2006-01-02 15:04:05.999999+00:00"), err == nil
}
