package profile

import (
	"bytes"
	"embed"
	"encoding/json"
	"fmt"
	"strings"
)

//go:embed py/*.py
var sources embed.FS

// modules are the files of py/ in an order in which each comes after those that
// it imports.
var modules = [...]string{
	"failure", "names", "encodings", "dialect", "temporal", "table",
	"delimited", "records", "workbook", "columnar", "formats", "describe", "main",
}

// bootstrap makes a package of the modules without files, runs it, and leaves no
// name of it behind.
const bootstrap = `(lambda sources, name: [
    exec("""
import sys, types
package = types.ModuleType("mark_profile")
package.__path__ = []
sys.modules["mark_profile"] = package
try:
    for module, source in sources:
        full = "mark_profile." + module
        made = sys.modules[full] = types.ModuleType(full)
        made.__package__ = "mark_profile"
        setattr(package, module, made)
        exec(compile(source, "<" + full + ">", "exec"), made.__dict__)
    package.main.main(name)
finally:
    for known in [m for m in sys.modules if m.split(".")[0] == "mark_profile"]:
        del sys.modules[known]
""", {"sources": sources, "name": name})
] and None)(%s, %s)
`

// Source returns the Python that profiles the file called name in a session's
// working folder and shows the result, which Parse reads. It needs the names
// that the kernel gives (display_json) and nothing else of the session.
func Source(name string) string {
	pairs := make([][2]string, 0, len(modules))
	for _, module := range modules {
		source, err := sources.ReadFile("py/" + module + ".py")
		if err != nil {
			panic(err) // the list above names a file that is not embedded
		}
		pairs = append(pairs, [2]string{module, string(source)})
	}
	return fmt.Sprintf(bootstrap, literal(pairs), literal(name))
}

// literal returns v, of strings and lists, as a Python literal: what JSON writes
// for them means the same in Python.
func literal(v any) string {
	var b bytes.Buffer
	e := json.NewEncoder(&b)
	e.SetEscapeHTML(false)
	if err := e.Encode(v); err != nil {
		panic(err) // strings always encode
	}
	return strings.TrimSpace(b.String())
}
