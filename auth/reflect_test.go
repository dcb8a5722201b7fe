package auth_test

import (
	"context"
	"fmt"
	"reflect"
	"regexp"
	"strings"
	"testing"

	entgo "entgo.io/ent"
	"entgo.io/ent/dialect/sql"

	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/intercept"
)

// What a test over every type and every edge needs of package ent, which has
// no words for "any type": found by name in the generated code.

// typeNames lists the types of the schema, as the client has them.
func typeNames(t testing.TB) []string {
	t.Helper()
	var names []string
	for field := range reflect.TypeFor[ent.Client]().Fields() {
		if field.IsExported() && field.Name != "Schema" {
			names = append(names, field.Name)
		}
	}
	if len(names) < 10 {
		t.Fatalf("found the types %v only", names)
	}
	return names
}

// clientOf is c.Chat for "Chat".
func clientOf(c *ent.Client, typ string) any {
	return reflect.ValueOf(c).Elem().FieldByName(typ).Interface()
}

// query is c.Chat.Query() for "Chat", with conditions column = value.
func query(t testing.TB, c *ent.Client, typ string, conditions ...any) any {
	t.Helper()
	q := get(clientOf(c, typ), "Query")
	wrapped, err := intercept.NewQuery(q)
	must(t, err)
	for i := 0; i < len(conditions); i += 2 {
		wrapped.WhereP(sql.FieldEQ(conditions[i].(string), conditions[i+1]))
	}
	return q
}

// narrow restricts an update or a delete of any type to one row.
func narrow(builder any, id any) {
	where := reflect.ValueOf(builder).MethodByName("Where")
	predicate := where.Type().In(0).Elem()
	where.Call([]reflect.Value{reflect.ValueOf(sql.FieldEQ("id", id)).Convert(predicate)})
}

func ownerColumn(typ string) string {
	if typ == "User" {
		return "id"
	}
	return "owner_id"
}

// edge is one of a type's edges.
type edge struct {
	name   string // as mutations have it: question_of
	field  string // as structs and methods have it: QuestionOf
	target string
}

func edgesOf(c *ent.Client, typ string) []edge {
	row := reflect.TypeOf(clientOf(c, typ))
	find, _ := row.MethodByName("Get")
	field, ok := find.Type.Out(0).Elem().FieldByName("Edges")
	if !ok {
		return nil
	}
	var edges []edge
	for f := range field.Type.Fields() {
		name, _, _ := strings.Cut(f.Tag.Get("json"), ",")
		if !f.IsExported() || name == "" {
			continue
		}
		target := f.Type
		for target.Kind() != reflect.Struct {
			target = target.Elem()
		}
		edges = append(edges, edge{name, f.Name, target.Name()})
	}
	return edges
}

var setter = regexp.MustCompile(`^(Set|Add)[A-Z][A-Za-z]*IDs?$`)

// settersOf finds a builder's methods that tie an edge, by what they do to its
// mutation. Each is tried on a builder of its own.
func settersOf(c *ent.Client, typ string, builder func() any) map[string]edge {
	setters := map[string]edge{}
	for m := range reflect.TypeOf(builder()).Methods() {
		if !setter.MatchString(m.Name) || m.Type.NumIn() != 2 || m.Type.In(1).Kind() == reflect.Pointer {
			continue
		}
		b := builder()
		arg := m.Type.In(1)
		if m.Type.IsVariadic() {
			arg = arg.Elem()
		}
		before := get(b, "Mutation").(entgo.Mutation).AddedEdges()
		get(b, m.Name, reflect.Zero(arg).Interface())
		for _, name := range get(b, "Mutation").(entgo.Mutation).AddedEdges() {
			for _, e := range edgesOf(c, typ) {
				if e.name == name && len(before) == 0 {
					setters[m.Name] = e
				}
			}
		}
	}
	return setters
}

// loadedIDs are the ids at an edge's end that a row was loaded with.
func loadedIDs(row reflect.Value, e edge) []any {
	field := row.Elem().FieldByName("Edges").FieldByName(e.field)
	var ids []any
	switch {
	case field.Kind() == reflect.Slice:
		for i := range field.Len() {
			ids = append(ids, field.Index(i).Elem().FieldByName("ID").Interface())
		}
	case !field.IsNil():
		ids = append(ids, field.Elem().FieldByName("ID").Interface())
	}
	return ids
}

// save stores what a builder has prepared.
func save(ctx context.Context, builder any) (row reflect.Value, id any, err error) {
	row, err = call(builder, "Save", ctx)
	if err != nil {
		return row, nil, err
	}
	return row, row.Elem().FieldByName("ID").Interface(), nil
}

// elements are those of a slice that call has returned.
func elements(v reflect.Value, err error) ([]any, error) {
	if err != nil {
		return nil, err
	}
	all := make([]any, v.Len())
	for i := range all {
		all[i] = v.Index(i).Interface()
	}
	return all, nil
}

// call calls a method that returns a value, an error, or both.
func call(on any, method string, args ...any) (reflect.Value, error) {
	m := reflect.ValueOf(on).MethodByName(method)
	if !m.IsValid() {
		panic(fmt.Sprintf("%T has no %s", on, method))
	}
	in := make([]reflect.Value, len(args))
	for i, arg := range args {
		in[i] = reflect.ValueOf(arg)
	}
	out := m.Call(in)
	last := out[len(out)-1]
	if last.Type() != reflect.TypeFor[error]() {
		return out[0], nil
	}
	err, _ := last.Interface().(error)
	return out[0], err
}

// get is call for methods that cannot fail.
func get(on any, method string, args ...any) any {
	v, err := call(on, method, args...)
	if err != nil {
		panic(fmt.Sprintf("%T.%s: %v", on, method, err))
	}
	return v.Interface()
}
