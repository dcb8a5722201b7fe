package limit_test

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/mark-analyst/mark/internal/fault"
	"github.com/mark-analyst/mark/server/limit"
)

var small = limit.Document{
	Bytes: 2000, Tokens: 300, Depth: 4, Fields: 20, Aliases: 3, Directives: 4, Introspection: true,
}

func TestDocument(t *testing.T) {
	for _, c := range []struct {
		name, query string
		code        fault.Code
		message     string // a part of it
	}{
		{"fits", `{ a { b { c { d } } } }`, "", ""},
		{"does not parse", `{ a `, "", ""}, // for the executor to say
		{"too deep", `{ a { b { c { d { e } } } } }`, fault.LimitExceeded, "4 levels"},
		{"too deep through fragments", `{ a { ...f } } fragment f on T { b { ... on T { c { d { e } } } } }`, fault.LimitExceeded, "4 levels"},
		{"introspection may be deep", `{ __schema { a { b { c { d { e { f } } } } } } }`, "", ""},
		{"too many fields", `{` + strings.Repeat(" a", 21) + `}`, fault.LimitExceeded, "20 fields"},
		{"too many fields in a fragment nobody uses", `{ a } fragment f on T {` + strings.Repeat(" a", 21) + `}`, fault.LimitExceeded, "20 fields"},
		{"too many fields in all operations", `query a {` + strings.Repeat(" a", 11) + `} query b {` + strings.Repeat(" a", 11) + `}`, fault.LimitExceeded, "20 fields"},
		{"too many aliases", `{ a:x b:x c:x d:x }`, fault.LimitExceeded, "3 aliases"},
		{"an alias that is none", `{ a:a b:b c:c d:d }`, "", ""},
		{"too many directives", `{ a @a @b @c @d @e }`, fault.LimitExceeded, "4 directives"},
		{"directives everywhere", `query($v: V @a) @b { ...f @c ... @d { x } y @e } fragment f on T { z }`, fault.LimitExceeded, "4 directives"},
		{"too many tokens", `{ a(l: [` + strings.Repeat("1 ", 300) + `]) }`, fault.LimitExceeded, "300 tokens"},
		{"too many bytes", `{ a } #` + strings.Repeat("x", 2000), fault.LimitExceeded, "2000"},
		{"too large an integer", `{ a(n: 9223372036854775808) }`, fault.BadUserInput, "out of range"},
		{"the largest integer", `{ a(n: 9223372036854775807) }`, "", ""},
		{"too large a float, deep inside", `{ a(n: [{x: 1e999}]) }`, fault.BadUserInput, "out of range"},
		{"a default too large", `query($n: Int = 9223372036854775808) { a }`, fault.BadUserInput, "out of range"},
		{"in a directive", `{ a @b(n: 9223372036854775808) }`, fault.BadUserInput, "out of range"},
		{"defer", `{ ... @defer { a } }`, fault.BadUserInput, "@defer"},
		{"a fragment in itself", `{ ...f } fragment f on T { a ...g } fragment g on T { ...f }`, "", ""}, // for the validator
	} {
		t.Run(c.name, func(t *testing.T) {
			err := small.Check(c.query)
			if fault.CodeOf(err) != c.code {
				t.Fatalf("got %v, want %q", err, c.code)
			}
			if err != nil && !strings.Contains(err.Error(), c.message) {
				t.Errorf("got %q, want it to speak of %q", err, c.message)
			}
		})
	}
}

func TestIntrospectionSwitch(t *testing.T) {
	d := small
	d.Introspection = false
	for query, want := range map[string]fault.Code{
		`{ __typename }`:                              "",
		`{ __schema { a } }`:                          fault.Forbidden,
		`{ x: __type(name: "A") { a } }`:              fault.Forbidden,
		`{ ...f } fragment f on Q { __schema { a } }`: fault.Forbidden,
	} {
		if got := fault.CodeOf(d.Check(query)); got != want {
			t.Errorf("%s: got %q, want %q", query, got, want)
		}
	}
}

// bomb doubles its fields with every fragment.
func bomb(levels int) string {
	var b strings.Builder
	b.WriteString(`{ ...f0 }`)
	for i := range levels {
		fmt.Fprintf(&b, ` fragment f%d on T { ...f%d ...f%d }`, i, i+1, i+1)
	}
	fmt.Fprintf(&b, ` fragment f%d on T { a }`, levels)
	return b.String()
}

func TestFragmentBombIsMeasuredQuickly(t *testing.T) {
	d := small
	d.Bytes, d.Tokens = 1<<20, 1<<20
	began := time.Now()
	if got := fault.CodeOf(d.Check(bomb(2000))); got != fault.LimitExceeded {
		t.Errorf("got %q, want LIMIT_EXCEEDED", got)
	}
	if took := time.Since(began); took > 5*time.Second { // walked naively: 2^2000 steps
		t.Errorf("took %s", took)
	}
}

func FuzzDocument(f *testing.F) {
	for _, q := range []string{`{ a }`, `query($a: [I!] = [1]) @d { ...f } fragment f on T { ...f b: c(x: {y: 1e5}) }`, bomb(3), `{ "`} {
		f.Add(q)
	}
	f.Fuzz(func(t *testing.T, query string) {
		if code := fault.CodeOf(small.Check(query)); code == fault.Internal {
			t.Errorf("%q: an error without a code", query)
		}
	})
}
