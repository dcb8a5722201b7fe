// Package fuzz writes random Python programs for a session to survive: ordinary
// ones, broken ones, and ones that mean harm. A seed is a program, for good.
package fuzz

import (
	"fmt"
	"math/rand/v2"
	"strings"
)

// Program is what a session is given to survive.
type Program struct {
	Code string
	// Harmful tells that it may end the process or break the wire: it writes
	// frames of its own, closes what is not its, ends or crashes the process.
	Harmful bool
}

// New returns the program of a seed.
func New(seed uint64) Program {
	g := &generator{rng: rand.New(rand.NewPCG(seed, 0x6d61726b))}
	lines := make([]string, 0, 8)
	for range 1 + g.rng.IntN(7) {
		line := g.statement(3)
		if g.rng.IntN(2) == 0 { // else the rest would seldom be reached
			line = "try:\n    " + strings.ReplaceAll(line, "\n", "\n    ") + "\nexcept Exception as e: print(type(e))"
		}
		lines = append(lines, line)
	}
	code := strings.Join(lines, "\n")
	switch g.rng.IntN(12) {
	case 0:
		code = g.broken(code)
	case 1, 2, 3:
		code += "\n" + g.expression(2)
	}
	return Program{code, g.harmful}
}

// generator derives programs from a grammar. Its rules take the depth that is
// left, and write only ends at none.
type generator struct {
	rng     *rand.Rand
	harmful bool
}

// rule writes a piece of a program; weight is how often it is chosen.
type rule struct {
	weight int
	write  func(g *generator, depth int) string
}

func (g *generator) of(rules []rule, depth int) string {
	sum := 0
	for _, r := range rules {
		sum += r.weight
	}
	at := g.rng.IntN(sum)
	for _, r := range rules {
		if at -= r.weight; at < 0 {
			return r.write(g, depth)
		}
	}
	return "pass"
}

func (g *generator) one(choices ...string) string { return choices[g.rng.IntN(len(choices))] }

// name is one of few, so that programs meet what earlier ones left.
func (g *generator) name() string { return g.one("a", "b", "c", "x", "y", "df", "f", "žluť", "_") }

func (g *generator) statement(depth int) string {
	if depth <= 0 {
		return g.name() + " = " + g.expression(0)
	}
	return g.of(statements(), depth)
}

func (g *generator) expression(depth int) string {
	if depth <= 0 {
		return g.atom()
	}
	return g.of(expressions(), depth-1)
}

// block is indented statements.
func (g *generator) block(depth int) string {
	lines := []string{}
	for range 1 + g.rng.IntN(2) {
		lines = append(lines, strings.Split(g.statement(depth-1), "\n")...)
	}
	return "    " + strings.Join(lines, "\n    ")
}

func (g *generator) atom() string {
	return g.one(
		g.name(), "None", "True", "...", "0", "-1", "3.5", "1e308", "float('nan')", "10**5", "1j", "''", "b'\\xff'",
		"'text'", "'\\ud800'", "'🐧' * 9", "'a\\x00b\\x1b[31m\\u202e'", "[]", "{}", "set()", "object()", "int", "len", "print",
		"pd", "np", "plt", "go.Figure()", fmt.Sprint(g.rng.IntN(1000)),
	)
}

// broken damages a program as a model does that was cut off, or lost its way.
func (g *generator) broken(code string) string {
	at := g.rng.IntN(len(code))
	switch g.rng.IntN(4) {
	case 0:
		return strings.ToValidUTF8(code[:at], "")
	case 1:
		return strings.ToValidUTF8(code[:at], "") + g.one("(", "'''", "\x00", "\\", "!ls", "%matplotlib inline", "\t", "}", "await x", "\u202e", "return") + strings.ToValidUTF8(code[at:], "")
	case 2:
		return strings.Repeat("(", 300) + code
	}
	return "```python\n" + code + "\n```"
}

func expressions() []rule {
	say := func(weight int, format string, parts int) rule {
		return rule{weight, func(g *generator, depth int) string {
			args := make([]any, parts)
			for i := range args {
				args[i] = g.expression(depth)
			}
			return fmt.Sprintf(format, args...)
		}}
	}
	return []rule{
		{6, func(g *generator, _ int) string { return g.atom() }},
		{4, func(g *generator, depth int) string {
			return "(" + g.expression(depth) + " " + g.one("+", "-", "*", "/", "//", "%", "==", "<", "and", "or", "is", "in", "@", "|") + " " + g.expression(depth) + ")"
		}},
		{3, func(g *generator, depth int) string {
			return g.one("repr", "str", "len", "list", "sorted", "sum", "type", "dir", "vars", "id", "hash", "iter", "abs", "display", "display_json", "print") + "(" + g.expression(depth) + ")"
		}},
		say(2, "[%s for _ in range(5)]", 1),
		say(2, "{%s: %s}", 2),
		say(1, "(lambda q: %s)(%s)", 2),
		say(1, "f'{%s!r:>40}'", 1),
		say(2, "pd.DataFrame({'a': range(60), 'b': [%s] * 60})", 1),
		say(1, "pd.Series([%s, %s, 3])", 2),
		say(1, "np.array([%s, %s])", 2),
		say(1, "px.line(y=[1, %s, 3], title=str(%s))", 2),
		say(1, "plt.plot([1, 2, %s])", 1),
		say(1, "getattr(%s, '__class__').__mro__[-1].__subclasses__()[:3]", 1),
		say(1, "(%s if %s else %s)", 3),
		say(1, "(yield_ := %s)", 1),
	}
}

func statements() []rule {
	is := func(weight int, code string) rule {
		return rule{weight, func(*generator, int) string { return code }}
	}
	return append([]rule{
		{10, func(g *generator, depth int) string { return g.name() + " = " + g.expression(depth) }},
		{8, func(g *generator, depth int) string { return "print(" + g.expression(depth) + ")" }},
		{4, func(g *generator, depth int) string { return g.expression(depth) }},
		{3, func(g *generator, depth int) string {
			return "for i in range(" + fmt.Sprint(g.rng.IntN(6)) + "):\n" + g.block(depth)
		}},
		{3, func(g *generator, depth int) string {
			return "if " + g.expression(depth-1) + ":\n" + g.block(depth) + "\nelse:\n" + g.block(depth)
		}},
		{3, func(g *generator, depth int) string {
			return "try:\n" + g.block(depth) + "\nexcept " + g.one("Exception", "BaseException", "KeyError", "()") + " as e:\n" + g.block(depth) + "\nfinally:\n" + g.block(depth)
		}},
		{3, func(g *generator, depth int) string {
			return "def f(*args, **kw):\n" + g.block(depth) + "\nf(" + g.expression(depth-1) + ")"
		}},
		{2, func(g *generator, depth int) string {
			return "class " + g.one("A", "B", "Ž") + g.one("", "(Exception)", "(dict)", "(str)") + ":\n    def " +
				g.one("__repr__", "__str__", "__eq__", "__del__", "__getattr__", "_repr_html_", "_repr_png_", "__len__", "__iter__") +
				"(self, *_): return " + g.expression(depth-1) + "\n" + g.one("A()", "print(A())", "display(B())", "raise A('x')", "x = A()", "raise Ž")
		}},
		{2, func(g *generator, depth int) string {
			return "raise " + g.one("ValueError", "KeyError", "MemoryError", "SystemExit", "KeyboardInterrupt", "StopIteration", "SyntaxError", "OSError", "UnicodeDecodeError", "BaseException") + "(" + g.expression(depth) + ")"
		}},
		{2, func(g *generator, depth int) string {
			name := g.one("a.txt", "b.csv", "c.html", "d/e.bin", "../up", "\\x1b.txt", ".hidden", "x"+strings.Repeat("y", 200))
			return "with open('" + name + "', 'w') as h: h.write(str(" + g.expression(depth) + ") * " + g.one("1", "100", "100_000") + ")"
		}},
		{1, func(g *generator, depth int) string {
			return "import threading\nthreading.Thread(target=lambda: print(" + g.expression(depth) + ")" + g.one(", daemon=True", "") + ").start()"
		}},
		is(1, "import os\npid = os.fork()\nif pid: os.waitpid(pid, 0)"),
	}, misdeeds()...)
}
