package bigquery

import (
	"encoding/base64"
	"fmt"
	"math/big"
	"strings"
	"time"

	"cloud.google.com/go/bigquery"
	"cloud.google.com/go/civil"

	"github.com/mark-analyst/mark/warehouse"
)

// rowLoader takes a row from the client as the seam promises it.
type rowLoader struct{ values []any }

// Load implements bigquery.ValueLoader.
func (l *rowLoader) Load(row []bigquery.Value, schema bigquery.Schema) error {
	l.values = make([]any, len(row))
	for i, v := range row {
		value, err := plain(v, schema[i])
		if err != nil {
			return err
		}
		l.values[i] = value
	}
	return nil
}

// plain returns the value of a field as warehouse.Type says.
func plain(v bigquery.Value, f *bigquery.FieldSchema) (any, error) {
	if f.Repeated {
		list, ok := v.([]bigquery.Value)
		if !ok && v != nil {
			return nil, fmt.Errorf("bigquery: %s is repeated and not a list but %T", f.Name, v)
		}
		one := *f
		one.Repeated = false
		out := make([]any, len(list))
		for i, element := range list {
			value, err := plain(element, &one)
			if err != nil {
				return nil, err
			}
			out[i] = value
		}
		return out, nil
	}
	switch v := v.(type) {
	case nil, string, bool, int64, float64:
		return v, nil
	case []byte:
		return base64.StdEncoding.EncodeToString(v), nil
	case *big.Rat:
		return decimal(v), nil
	case time.Time:
		return v.UTC().Format("2006-01-02T15:04:05.999999Z"), nil
	case civil.Date:
		return v.String(), nil
	case civil.Time:
		return clockTime(v), nil
	case civil.DateTime:
		return v.Date.String() + "T" + clockTime(v.Time), nil
	case *bigquery.IntervalValue:
		return v.String(), nil
	case *bigquery.RangeValue:
		return span(v, f)
	case []bigquery.Value:
		return record(v, f)
	}
	return nil, fmt.Errorf("bigquery: %s is %T, which nobody expected", f.Name, v)
}

// decimal writes a NUMERIC or BIGNUMERIC exactly: they have at most 38 digits
// behind the point.
func decimal(r *big.Rat) string {
	if r.IsInt() {
		return r.Num().String()
	}
	return strings.TrimRight(r.FloatString(38), "0")
}

func clockTime(t civil.Time) string {
	text := fmt.Sprintf("%02d:%02d:%02d", t.Hour, t.Minute, t.Second)
	if micros := t.Nanosecond / 1000; micros != 0 {
		text += strings.TrimRight(fmt.Sprintf(".%06d", micros), "0")
	}
	return text
}

func span(v *bigquery.RangeValue, f *bigquery.FieldSchema) (any, error) {
	element := &bigquery.FieldSchema{Name: f.Name}
	start, err := plain(v.Start, element)
	if err != nil {
		return nil, err
	}
	end, err := plain(v.End, element)
	return warehouse.Record{Names: []string{"start", "end"}, Values: []any{start, end}}, err
}

func record(values []bigquery.Value, f *bigquery.FieldSchema) (any, error) {
	if len(values) != len(f.Schema) {
		return nil, fmt.Errorf("bigquery: %s has %d fields of %d", f.Name, len(values), len(f.Schema))
	}
	out := warehouse.Record{Names: make([]string, len(values)), Values: make([]any, len(values))}
	for i, v := range values {
		value, err := plain(v, f.Schema[i])
		if err != nil {
			return nil, err
		}
		out.Names[i], out.Values[i] = f.Schema[i].Name, value
	}
	return out, nil
}

// size is about how long a value's JSON is, in bytes.
func size(v any) int64 {
	switch v := v.(type) {
	case string:
		return int64(len(v)) + 3
	case bool, nil:
		return 5
	case []any:
		n := int64(2)
		for _, element := range v {
			n += size(element)
		}
		return n
	case warehouse.Record:
		n := size(v.Values)
		for _, name := range v.Names {
			n += int64(len(name)) + 3
		}
		return n
	}
	return 12
}
