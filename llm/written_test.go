package llm

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"
	"unicode/utf8"

	"github.com/google/go-cmp/cmp"
)

var toolNames = []string{"run_python", "list_datasets"}

// recognised is what is found in a text.
type recognised struct {
	text, reasoning string
	calls           []string
}

// recognise feeds the text in pieces that end before each of cuts.
func recognise(text string, cut bool, cuts ...int) recognised {
	w := newWrittenCalls(toolNames)
	var out recognised
	take := func(pieces []piece) {
		for _, p := range pieces {
			out.text += p.text
			out.reasoning += p.reasoning
			if p.call != nil {
				out.calls = append(out.calls, p.call.name+p.call.arguments)
			}
		}
	}
	from := 0
	for _, at := range cuts {
		take(w.write(text[from:at]))
		from = at
	}
	take(w.write(text[from:]))
	take(w.end(cut))
	return out
}

// TestHoldsBackNoLongerThanNeeded: text is shown as soon as it cannot be a call
// any more.
func TestHoldsBackNoLongerThanNeeded(t *testing.T) {
	for _, tc := range []struct{ in, out string }{
		{"Hello", "Hello"},
		{"a `", "a `"},
		{"```", ""},
		{"```python\n", "```python\n"},
		{"```python\nx = {", "```python\nx = {"},
		{"```json\n", ""},
		{"```json\n{", ""},
		{"```json\n{\"na", ""},
		{"```json\n{\"species\"", "```json\n{\"species\""},
		{"```json\n{\"name\": \"run_p", ""},
		{"```json\n{\"name\": \"Ad", "```json\n{\"name\": \"Ad"},
		{"{\"a", ""},
		{"{\"ab", "{\"ab"},
		{"x {\"name", "x {\"name"},
		{"[", ""},
		{"[a", "[a"},
		{"<", ""},
		{"<tool_cal", ""},
		{"a < b", "a < b"},
		{"1 <tools> 2", "1 <tools> 2"},
		{"  \n", ""}, // white space at the beginning
	} {
		var got strings.Builder
		for _, p := range newWrittenCalls(toolNames).write(tc.in) {
			got.WriteString(p.text)
		}
		if got.String() != tc.out {
			t.Errorf("after %q shows %q, want %q", tc.in, got.String(), tc.out)
		}
	}
}

func TestMend(t *testing.T) {
	for _, tc := range []struct{ in, want string }{
		{`{"a":1}`, `{"a":1}`},
		{"{\"a\":\"x\ny\tz\"}", `{"a":"x\ny\tz"}`},
		{`{"a":"it\'s"}`, `{"a":"it's"}`},
		{`{"a":"\d+"}`, `{"a":"\\d+"}`},
		{`{"a":"\\d\n"}`, `{"a":"\\d\n"}`},
		{"{\"a\":\"x\\\ny\"}", `{"a":"x\\\ny"}`},
		{`{"a":[{"b":1`, `{"a":[{"b":1}]}`},
		{`{"a":"x`, `{"a":"x`},         // what is missing nobody knows
		{`{"a":1]`, `{"a":1]`},         // nor what was meant
		{"\x00{}", "\x00{}"},           // outside of strings nothing is changed
		{"{\n\"a\":1}", "{\n\"a\":1}"}, // nor there
	} {
		if got := string(mend([]byte(tc.in))); got != tc.want {
			t.Errorf("mend(%q) is %q, want %q", tc.in, got, tc.want)
		}
	}
}

func TestHeldTextIsBounded(t *testing.T) {
	long := "```json\n{\"name\": \"run_python\", \"arguments\": {\"code\": \"" + strings.Repeat("x", maxHeld)
	w := newWrittenCalls(toolNames)
	if shown := w.write(long); len(shown) != 1 || shown[0].text != long {
		t.Errorf("%d pieces", len(shown))
	}
}

// TestHostileTextTakesNoTime: the work grows with the length, not its square.
// With the square any of these takes minutes.
func TestHostileTextTakesNoTime(t *testing.T) {
	const n = 1 << 19
	for _, s := range []string{
		strings.Repeat("`", n), strings.Repeat("`\n", n/2), strings.Repeat("[", n), strings.Repeat("<tool_call>", n/11),
		"```json\n" + strings.Repeat(" ", n), "```json\n{\"name\":\"run_python\",\"args\":" + strings.Repeat("[", n),
		strings.Repeat("{\"tool_calls\":[", n/16), "<think>" + strings.Repeat("<", n), strings.Repeat("{\"name\":\"run_p\n", n/16),
		"<tool_call>{\"name\":\"run_python\",\"x\":\"" + strings.Repeat("}</tool_call", n/12),
	} {
		if got := recognise(s, false); len(got.text)+len(got.reasoning) == 0 && len(got.calls) == 0 {
			t.Errorf("nothing came of %q…", s[:20])
		}
	}
}

// FuzzWritten holds the recogniser to what it promises for any text.
func FuzzWritten(f *testing.F) {
	for _, s := range []string{
		"", "Hello", "<think>a</think>b", "```json\n{\"name\": \"run_python\", \"arguments\": {\"code\": \"print(1)\"}}\n```\nok",
		"{\"name\": \"list_datasets\"}", "[{\"name\":\"list_datasets\"},{\"name\":\"list_datasets\"}] x",
		"a <tool_call>{\"name\": \"run_python\", \"arguments\": \"{}\"}</tool_call>\n<tools>\n{", "```xml\n<tools>{\"tool\":\"list_datasets\"},{\"",
		"```\n[x](y)\n```\n`a` ``b``\n{\"a\":{\"name\":\"run_python\"", "~~~\n{\"name\":\"run_python\",\"code\":\"a\nb\"}",
		"{\"function\":{\"name\":\"run_python\",\"arguments\":{}}}", "```json\n{\"name\": \"run_python\", \"arguments\": {\"code\": \"print(\"a\")\"\n```\n",
	} {
		f.Add(s, uint16(3), false)
		f.Add(s, uint16(20), true)
	}
	f.Fuzz(func(t *testing.T, s string, at uint16, cut bool) {
		if !utf8.ValidString(s) { // deltas come out of JSON
			t.Skip()
		}
		whole := recognise(s, cut)
		// How the text is cut into deltas makes no difference.
		if got := recognise(s, cut, int(at)%(len(s)+1)); !cmp.Equal(got, whole, cmp.AllowUnexported(recognised{})) {
			t.Errorf("cut at %d: %+v, whole: %+v", int(at)%(len(s)+1), got, whole)
		}
		// Only tools that were offered are called.
		for _, call := range whole.calls {
			if !slices.ContainsFunc(toolNames, func(name string) bool { return strings.HasPrefix(call, name) }) {
				t.Errorf("called %q", call)
			}
		}
		// Text that holds no call comes out as it went in.
		if len(whole.calls) == 0 && !cut && !strings.Contains(s, thinkTag) {
			if want := strings.TrimLeft(s, " \t\r\n"); whole.text != want {
				t.Errorf("text %q, want %q", whole.text, want)
			}
		}
		if !utf8.ValidString(whole.text) || !utf8.ValidString(whole.reasoning) {
			t.Errorf("a character was cut: %+v", whole)
		}
	})
}

// FuzzMend: what is JSON stays as it is, and what is mended means the same
// where it meant anything.
func FuzzMend(f *testing.F) {
	for _, s := range []string{`{"a":"b"}`, "{\"a\":\"x\ny\"", `{"a":"\d\'\\"`, `[[{`, `"`} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, s string) {
		got := mend([]byte(s))
		if json.Valid([]byte(s)) && string(got) != s {
			t.Errorf("mended what was whole: %q to %q", s, got)
		}
	})
}
