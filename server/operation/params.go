package operation

import (
	"bytes"
	"encoding/json"
	"errors"
	"io"

	"github.com/99designs/gqlgen/graphql"

	"github.com/mark-analyst/mark/internal/fault"
)

// ParseParams reads the parameters of one operation from a JSON object: query,
// operationName, variables and extensions, each of its own type or null.
// Unknown members are ignored, as the specification asks. Errors are
// BAD_USER_INPUT and do not repeat what was sent.
func ParseParams(body []byte) (*graphql.RawParams, error) {
	var raw map[string]json.RawMessage
	if err := decode(body, &raw); err != nil || raw == nil {
		if bytes.HasPrefix(bytes.TrimLeft(body, " \t\r\n"), []byte("[")) {
			return nil, fault.New(fault.BadUserInput, "Send one operation a request; batches are not supported.")
		}
		return nil, fault.Wrap(err, fault.BadUserInput, "The body must be a JSON object.")
	}
	params := &graphql.RawParams{}
	for _, m := range []struct {
		name, kind string
		into       any
	}{
		{"query", "a string", &params.Query},
		{"operationName", "a string", &params.OperationName},
		{"variables", "an object", &params.Variables},
		{"extensions", "an object", &params.Extensions},
	} {
		if v, ok := raw[m.name]; ok {
			if err := decode(v, m.into); err != nil {
				return nil, fault.Wrap(err, fault.BadUserInput, "%s must be %s.", m.name, m.kind)
			}
		}
	}
	if params.Query == "" && params.Extensions["persistedQuery"] == nil {
		return nil, fault.New(fault.BadUserInput, "query is missing.")
	}
	return params, nil
}

// decode reads exactly one JSON value. Numbers stay as they are written, since
// a float64 would round the larger integers.
func decode(data []byte, into any) error {
	d := json.NewDecoder(bytes.NewReader(data))
	d.UseNumber()
	if err := d.Decode(into); err != nil {
		return err
	}
	if _, err := d.Token(); !errors.Is(err, io.EOF) {
		return errors.New("something follows the value")
	}
	return nil
}
