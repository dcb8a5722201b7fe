// Package scalar reads and writes the scalars of the contract. Reading is
// strict: a value of the wrong kind is refused instead of bent.
package scalar

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"math"
	"strconv"
	"time"

	"github.com/99designs/gqlgen/graphql"
)

// MarshalInt writes a GraphQL Int. A value beyond 32 bits would break clients
// silently, so it becomes null, which a non-null field turns into an error.
func MarshalInt(i int) graphql.Marshaler {
	if i > math.MaxInt32 || i < math.MinInt32 {
		return graphql.Null
	}
	return graphql.MarshalInt(i)
}

// UnmarshalInt reads a GraphQL Int: a whole number of 32 bits, as the
// specification has it (section 3.5.1); no strings, no fractions.
func UnmarshalInt(v any) (int, error) {
	var n int64
	switch v := v.(type) {
	case int:
		n = int64(v)
	case int32:
		n = int64(v)
	case int64:
		n = v
	case json.Number:
		i, err := strconv.ParseInt(v.String(), 10, 64)
		if err != nil {
			return 0, fmt.Errorf("Int cannot represent %q", v.String())
		}
		n = i
	case float64:
		if v != math.Trunc(v) || math.Abs(v) > math.MaxInt32+1 {
			return 0, fmt.Errorf("Int cannot represent %v", v)
		}
		n = int64(v)
	default:
		return 0, fmt.Errorf("Int cannot represent a value of another type")
	}
	if n > math.MaxInt32 || n < math.MinInt32 {
		return 0, fmt.Errorf("Int cannot represent %d: it has more than 32 bits", n)
	}
	return int(n), nil
}

// MarshalBigInt writes a 64-bit integer as a string of digits.
func MarshalBigInt(i int64) graphql.Marshaler {
	return graphql.WriterFunc(func(w io.Writer) {
		_, _ = io.WriteString(w, strconv.Quote(strconv.FormatInt(i, 10)))
	})
}

// UnmarshalBigInt reads a 64-bit integer from a string of digits or a whole
// number.
func UnmarshalBigInt(v any) (int64, error) {
	switch v := v.(type) {
	case string:
		n, err := strconv.ParseInt(v, 10, 64)
		if err != nil {
			return 0, errors.New("BigInt wants a string of decimal digits of at most 64 bits")
		}
		return n, nil
	case json.Number:
		return UnmarshalBigInt(v.String())
	case int64:
		return v, nil
	case int:
		return int64(v), nil
	default:
		return 0, errors.New("BigInt wants a string of decimal digits")
	}
}

// dateTime is RFC 3339 with exactly six digits of fraction.
const dateTime = "2006-01-02T15:04:05.000000Z07:00"

// MarshalDateTime writes a moment in UTC with microseconds.
func MarshalDateTime(t time.Time) graphql.Marshaler {
	return graphql.WriterFunc(func(w io.Writer) {
		_, _ = io.WriteString(w, strconv.Quote(t.UTC().Format(dateTime)))
	})
}

// UnmarshalDateTime reads a moment in RFC 3339, cut to microseconds.
func UnmarshalDateTime(v any) (time.Time, error) {
	s, ok := v.(string)
	if !ok {
		return time.Time{}, errors.New("DateTime wants a string in RFC 3339")
	}
	t, err := time.Parse(time.RFC3339Nano, s)
	if err != nil {
		return time.Time{}, errors.New("DateTime wants RFC 3339, like 2026-01-31T09:30:00Z")
	}
	return t.UTC().Truncate(time.Microsecond), nil
}

// MarshalJSON writes stored JSON as it is; what is no JSON becomes null.
func MarshalJSON(raw json.RawMessage) graphql.Marshaler {
	return graphql.WriterFunc(func(w io.Writer) {
		var out bytes.Buffer
		if len(raw) == 0 || json.Compact(&out, raw) != nil {
			_, _ = io.WriteString(w, "null")
			return
		}
		_, _ = w.Write(out.Bytes())
	})
}

// UnmarshalJSON reads any value.
func UnmarshalJSON(v any) (json.RawMessage, error) {
	raw, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("JSON cannot represent the value: %w", err)
	}
	return raw, nil
}
