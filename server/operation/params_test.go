package operation_test

import (
	"encoding/json"
	"testing"

	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/mark-analyst/mark/internal/fault"
	"github.com/mark-analyst/mark/server/operation"
)

func TestParseParams(t *testing.T) {
	p, err := operation.ParseParams([]byte(`{"query":"{ a }","operationName":"A","variables":{"n":9007199254740993},"extensions":null,"x":1}`))
	if err != nil || p.Query != "{ a }" || p.OperationName != "A" || p.Variables["n"] != json.Number("9007199254740993") {
		t.Errorf("got %+v, %v", p, err)
	}
	for body, message := range map[string]string{
		``:                                 "The body must be a JSON object.",
		`null`:                             "The body must be a JSON object.",
		`"x"`:                              "The body must be a JSON object.",
		`{"query":"{ a }"} x`:              "The body must be a JSON object.",
		` [{"query":"{ a }"}]`:             "Send one operation a request; batches are not supported.",
		`{}`:                               "query is missing.",
		`{"query":null}`:                   "query is missing.",
		`{"query":1}`:                      "query must be a string.",
		`{"query":"{ a }","variables":[]}`: "variables must be an object.",
	} {
		_, err := operation.ParseParams([]byte(body))
		if f, ok := fault.As(err); !ok || f.Code != fault.BadUserInput || f.Message != message {
			t.Errorf("%s: got %v, want %q", body, err, message)
		}
	}
}

func FuzzParseParams(f *testing.F) {
	f.Add([]byte(`{"query":"{ a }","variables":{"a":[1,null]},"extensions":{"persistedQuery":{}}}`))
	f.Add([]byte(`[{`))
	f.Fuzz(func(t *testing.T, body []byte) {
		p, err := operation.ParseParams(body)
		if err == nil && p.Query == "" && p.Extensions["persistedQuery"] == nil {
			t.Errorf("%q: nothing to run", body)
		}
		if err != nil && fault.CodeOf(err) != fault.BadUserInput {
			t.Errorf("%q: %v", body, err)
		}
	})
}

func TestResultJSON(t *testing.T) {
	failed := gqlerror.List{{Message: "no"}}
	for want, r := range map[string]operation.Result{
		`{"data":null}`:                                {Data: json.RawMessage("null")},
		`{"errors":[{"message":"no"}]}`:                {Errors: failed},
		`{"errors":[{"message":"no"}],"data":{"a":1}}`: {Errors: failed, Data: json.RawMessage(`{"a":1}`)},
		`{"data":{ "a":  1},"extensions":{"x":1}}`:     {Data: json.RawMessage("{\n\"a\":\r\n1}"), Extensions: map[string]any{"x": 1}},
	} {
		if got := string(r.AppendJSON(nil)); got != want {
			t.Errorf("got %s, want %s", got, want)
		}
		if r.IsRequestError() != (len(r.Data) == 0) {
			t.Errorf("%s: IsRequestError() = %v", want, r.IsRequestError())
		}
	}
}
