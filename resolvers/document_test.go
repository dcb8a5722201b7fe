package resolvers_test

import (
	"fmt"
	"os"
	"slices"
	"strings"
	"testing"

	"github.com/vektah/gqlparser/v2"
	"github.com/vektah/gqlparser/v2/ast"
)

// contract is the schema as it is written.
func contract(t testing.TB) *ast.Schema {
	t.Helper()
	text, err := os.ReadFile("../schema.graphql")
	must(t, err)
	schema, parseErr := gqlparser.LoadSchema(&ast.Source{Name: "schema.graphql", Input: string(text)})
	if parseErr != nil {
		t.Fatal(parseErr)
	}
	return schema
}

// roots are the fields of an operation's kind, without introspection's.
func roots(of *ast.Definition) []*ast.FieldDefinition {
	var out []*ast.FieldDefinition
	for _, f := range of.Fields {
		if !strings.HasPrefix(f.Name, "__") {
			out = append(out, f)
		}
	}
	return out
}

// operation asks for a root field with all of its arguments as variables, and
// for everything that can be reached from it.
func operation(schema *ast.Schema, kind string, f *ast.FieldDefinition) string {
	var declared, given []string
	for _, a := range f.Arguments {
		declared = append(declared, "$"+a.Name+": "+a.Type.String())
		given = append(given, a.Name+": $"+a.Name)
	}
	list := func(l []string) string {
		if len(l) == 0 {
			return ""
		}
		return "(" + strings.Join(l, ", ") + ")"
	}
	return strings.ToLower(kind) + list(declared) + " { " + f.Name + list(given) + everything(schema, f.Type, nil) + " }"
}

// everything is a selection of all that a type has, at any depth, but not of a
// type within itself. The members of a union get aliases, as one name may stand
// for different types in them.
func everything(schema *ast.Schema, of *ast.Type, above []string) string {
	def := schema.Types[of.Name()]
	if def.IsLeafType() {
		return ""
	}
	for _, a := range above {
		if a == def.Name {
			return " { __typename }"
		}
	}
	above = append(above[:len(above):len(above)], def.Name)
	var b strings.Builder
	b.WriteString(" { __typename")
	if def.IsAbstractType() {
		for _, member := range schema.GetPossibleTypes(def) {
			b.WriteString(" ... on " + member.Name + " {" + fields(schema, member, member.Name+"_", above) + " }")
		}
	} else {
		b.WriteString(fields(schema, def, "", above))
	}
	b.WriteString(" }")
	return b.String()
}

func fields(schema *ast.Schema, def *ast.Definition, prefix string, above []string) string {
	var b strings.Builder
	for _, f := range def.Fields {
		if f.Name == "edges" && def.Fields.ForName("nodes") != nil {
			continue // the same again
		}
		alias := f.Name
		if prefix != "" {
			alias = prefix + f.Name + ": " + f.Name
		}
		args := ""
		if strings.HasSuffix(f.Type.Name(), "Connection") {
			args = "(first: 100)"
			if f.Arguments.ForName("connection") != nil {
				args = `(first: 100, connection: "shop")`
			}
		}
		b.WriteString(" " + alias + args + everything(schema, f.Type, above))
	}
	return b.String()
}

// idArg is an argument, or a field of an input, that takes ids.
type idArg struct {
	kind  string // Query, Mutation, Subscription
	field *ast.FieldDefinition
	path  []string // from the argument's name inwards
	list  bool
}

func (a idArg) String() string { return a.kind + "." + a.field.Name + "." + strings.Join(a.path, ".") }

// idArgs are all of the contract's, and those of fields that are not at the
// root: of these there are none, which makes the operations above complete.
func idArgs(t testing.TB, schema *ast.Schema) []idArg {
	t.Helper()
	var out []idArg
	for _, def := range schema.Types {
		if def.Kind != ast.Object || def.BuiltIn {
			continue
		}
		for _, f := range roots(def) {
			for _, a := range f.Arguments {
				for _, found := range idsIn(schema, a.Type, []string{a.Name}) {
					if def != schema.Query && def != schema.Mutation && def != schema.Subscription {
						t.Errorf("%s.%s takes ids at %v: teach this test to call it", def.Name, f.Name, found.path)
						continue
					}
					found.kind, found.field = def.Name, f
					out = append(out, found)
				}
			}
		}
	}
	slices.SortFunc(out, func(a, b idArg) int { return strings.Compare(a.String(), b.String()) })
	return out
}

func idsIn(schema *ast.Schema, of *ast.Type, path []string) []idArg {
	def := schema.Types[of.Name()]
	if def.Name == "ID" {
		return []idArg{{path: path, list: of.Elem != nil}}
	}
	var out []idArg
	for _, f := range def.Fields {
		if def.Kind == ast.InputObject {
			out = append(out, idsIn(schema, f.Type, append(path[:len(path):len(path)], f.Name))...)
		}
	}
	return out
}

// values fills in arguments, or an input's fields. The path's last is the one
// under test and gets the value; choose gives the others, or nil to leave them
// out.
func values(schema *ast.Schema, names []string, types []*ast.Type, at string, path []string, value any, choose func(at string, t *ast.Type) any) map[string]any {
	out := map[string]any{}
	for i, name := range names {
		here := at + "." + name
		def := schema.Types[types[i].Name()]
		tested := len(path) > 0 && path[0] == name
		switch {
		case tested && len(path) == 1:
			out[name] = value
		case def.Kind == ast.InputObject && (tested || types[i].NonNull):
			var inner []string
			var innerTypes []*ast.Type
			for _, f := range def.Fields {
				inner, innerTypes = append(inner, f.Name), append(innerTypes, f.Type)
			}
			var rest []string
			if tested {
				rest = path[1:]
			}
			var v any = values(schema, inner, innerTypes, here, rest, value, choose)
			if types[i].Elem != nil {
				v = []any{v}
			}
			out[name] = v
		default:
			if v := choose(here, types[i]); v != nil {
				out[name] = v
			} else if def.Name == "Upload" {
				out[name] = nil // the file follows it
			} else if types[i].NonNull {
				panic(fmt.Sprintf("no value for %s of the type %s", here, types[i]))
			}
		}
	}
	return out
}

// arguments is values for the arguments of a root field.
func (a idArg) arguments(schema *ast.Schema, value any, choose func(string, *ast.Type) any) vars {
	var names []string
	var types []*ast.Type
	for _, arg := range a.field.Arguments {
		names, types = append(names, arg.Name), append(types, arg.Type)
	}
	return values(schema, names, types, a.kind+"."+a.field.Name, a.path, value, choose)
}
