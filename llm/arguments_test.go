package llm

import (
	"encoding/json"
	"strconv"
	"strings"
	"testing"
)

// In pieces or whole, arguments are the same object, or none.
func TestArgumentsInPieces(t *testing.T) {
	for _, text := range []string{
		"", " ", "{}", " {} ", "\n{\"a\": {\"b\": [1, \"}\\\"]\"]}}\r\n", `{"a":1}{"a":1}`, `{} x`, `{}}`, `x{}`, `[]`, `[{}]`,
		`"{}"`, `{"a":`, `{"a":"`, `{"a":]}`, `{a}`, "{\"a\":\"\n\"}", "{\"a\":\"\x00\"}", `{"a":1}` + "\n", `{"ä":"\ud800"}`, strings.Repeat(`{"a":`, 20_000) + "1" + strings.Repeat("}", 20_000),
	} {
		var bytewise, asked arguments
		for i := range len(text) {
			bytewise.WriteString(text[i : i+1])
			if got, want := bytewise.isObject(), len(text) < 100 && isObject(text[:i+1]); got != want {
				t.Errorf("%.100q: an object is %v, want %v", text[:i+1], got, want)
			}
		}
		asked.WriteString(text)
		if got, want := asked.isObject(), isObject(text); got != want || asked.isObject() != want || asked.String() != text {
			t.Errorf("%.100q at once: an object is %v, want %v", text, got, want)
		}
	}
}

// A call that comes byte by byte costs what it weighs. Were all of it looked at, or
// copied, for each byte, this would take minutes.
func TestALongCallByteByByte(t *testing.T) {
	const size = 500_000
	long := `{"code":"` + strings.Repeat("x", size) + `"}`
	quoted := func(s string) json.RawMessage { return json.RawMessage(strconv.Quote(s)) }
	for name, tc := range map[string]struct{ id, first, each, last string }{
		"the name first":                 {first: "f"},
		"the name last":                  {last: "f"},
		"the name last, with an id":      {id: "call-1", last: "f"},
		"the name each time":             {first: "f", each: "f", last: "f"},
		"the name each time, with an id": {id: "call-1", first: "f", each: "f", last: "f"},
		"no name":                        {},
	} {
		t.Run(name, func(t *testing.T) {
			cs := newCalls(func() string { return "made" })
			var shown strings.Builder
			add := func(name, piece string) {
				d := callDelta{Function: functionDelta{Arguments: quoted(piece)}}
				if tc.id != "" {
					d.ID = quoted(tc.id)
				}
				if name != "" {
					d.Function.Name = quoted(name)
				}
				if got := cs.add(d); got != nil {
					shown.WriteString(got.Arguments)
				}
			}
			add(tc.first, "")
			for i := range len(long) - 1 {
				add(tc.each, long[i:i+1])
			}
			add(tc.last, "}")
			if len(cs.list) != 1 {
				t.Fatalf("%d calls", len(cs.list))
			}
			if c := cs.list[0]; !c.announced {
				shown.WriteString(c.announce().Arguments)
			}
			if got := cs.result(); len(got) != 1 || got[0].Arguments != long || shown.String() != long {
				t.Errorf("%d bytes were shown of %d", shown.Len(), len(long))
			}
		})
	}
}
