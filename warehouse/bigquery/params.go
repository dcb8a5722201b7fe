package bigquery

import (
	"encoding/json"
	"fmt"
	"math"
	"math/big"
	"regexp"
	"strconv"
	"strings"
	"time"

	bq "google.golang.org/api/bigquery/v2"

	"cloud.google.com/go/civil"

	"github.com/mark-analyst/mark/warehouse"
)

// sqlTypes are the types as SQL calls them, where metadata call them otherwise.
var sqlTypes = map[warehouse.Type]string{
	warehouse.Integer: "INT64", warehouse.Float: "FLOAT64", warehouse.Boolean: "BOOL", warehouse.Struct: "STRUCT",
}

const maxParams = 1000

var paramName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]{0,127}$`)

// parameters translates a query's parameters. Values never become part of the
// statement's text.
func parameters(params []warehouse.Param) ([]*bq.QueryParameter, error) {
	if len(params) > maxParams {
		return nil, badParam("", "There are %d parameters; %d are permitted.", len(params), maxParams)
	}
	out := make([]*bq.QueryParameter, 0, len(params))
	seen := map[string]bool{}
	for _, p := range params {
		folded := strings.ToLower(p.Name)
		if !paramName.MatchString(p.Name) || seen[folded] {
			return nil, badParam(p.Name, "It must be a name of letters, digits and underscores, and stand once.")
		}
		seen[folded] = true
		param, err := parameter(p)
		if err != nil {
			return nil, err
		}
		out = append(out, param)
	}
	return out, nil
}

func parameter(p warehouse.Param) (*bq.QueryParameter, error) {
	element := &bq.QueryParameterType{Type: string(p.Type)}
	if name, other := sqlTypes[p.Type]; other {
		element.Type = name
	}
	out := &bq.QueryParameter{Name: p.Name, ParameterType: element}
	if !p.Array {
		value, err := scalar(p.Name, p.Type, p.Value)
		out.ParameterValue = value
		return out, err
	}
	out.ParameterType = &bq.QueryParameterType{Type: "ARRAY", ArrayType: element}
	list, ok := p.Value.([]any)
	if !ok {
		return nil, badParam(p.Name, "It must be a list.")
	}
	out.ParameterValue = &bq.QueryParameterValue{ArrayValues: []*bq.QueryParameterValue{}, ForceSendFields: []string{"ArrayValues"}}
	for _, v := range list {
		value, err := scalar(p.Name, p.Type, v)
		if err != nil {
			return nil, err
		}
		out.ParameterValue.ArrayValues = append(out.ParameterValue.ArrayValues, value)
	}
	return out, nil
}

func scalar(name string, t warehouse.Type, v any) (*bq.QueryParameterValue, error) {
	write, known := writers[t]
	if !known {
		return nil, badParam(name, "There are no parameters of type %s.", t)
	}
	if v == nil {
		return &bq.QueryParameterValue{NullFields: []string{"Value"}}, nil
	}
	text, ok := write(v)
	if !ok {
		return nil, badParam(name, "Its value is no %s.", t)
	}
	return &bq.QueryParameterValue{Value: text, ForceSendFields: []string{"Value"}}, nil
}

func badParam(name, format string, args ...any) *warehouse.Error {
	message := fmt.Sprintf(format, args...)
	if name != "" {
		message = fmt.Sprintf("The parameter %q cannot be used. %s", name, message)
	}
	return &warehouse.Error{Code: warehouse.CodeInvalidParameter, Message: message}
}

// writers write a value of each type as BigQuery reads it, or say that it is none.
var writers = map[warehouse.Type]func(any) (string, bool){
	warehouse.String:     anyText,
	warehouse.Geography:  anyText,
	warehouse.Interval:   anyText,
	warehouse.Bytes:      anyText, // base64 both here and there
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
