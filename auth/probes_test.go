package auth_test

import (
	"context"
	"reflect"
	"slices"
	"testing"

	entgo "entgo.io/ent"

	"github.com/mark-analyst/mark/ent"
)

// reads are the ways to see Alice's row of a type.
func reads(t *testing.T, plain *ent.Client, typ string, alice, bob *household) []probe {
	t.Helper()
	hers := alice.ids[typ]
	count, err := call(query(t, plain, typ, ownerColumn(typ), bob.ids["User"]), "Count", t.Context())
	must(t, err)
	mine := int(count.Int())
	more := func(v reflect.Value, err error) (bool, error) { return err == nil && int(v.Int()) > mine, err }
	has := func(id any) func(v reflect.Value, err error) (bool, error) {
		return func(v reflect.Value, err error) (bool, error) {
			all, err := elements(v, err)
			return slices.Contains(all, id), err
		}
	}
	return named(typ, []probe{
		{name: "IDs", run: func(ctx context.Context, c *ent.Client) (bool, error) {
			return has(hers)(call(query(t, c, typ), "IDs", ctx))
		}},
		{name: "All", run: func(ctx context.Context, c *ent.Client) (bool, error) {
			all, err := elements(call(query(t, c, typ), "All", ctx))
			return len(all) > mine, err
		}},
		{name: "Count", run: func(ctx context.Context, c *ent.Client) (bool, error) {
			return more(call(query(t, c, typ), "Count", ctx))
		}},
		{name: "Exist", run: func(ctx context.Context, c *ent.Client) (bool, error) {
			v, err := call(query(t, c, typ, "id", hers), "Exist", ctx)
			return err == nil && v.Bool(), err
		}},
		{name: "Only", run: func(ctx context.Context, c *ent.Client) (bool, error) {
			_, err := call(query(t, c, typ, "id", hers), "Only", ctx)
			return err == nil, err
		}},
		{name: "Get", run: func(ctx context.Context, c *ent.Client) (bool, error) {
			_, err := call(clientOf(c, typ), "Get", ctx, hers)
			return err == nil, err
		}},
		{name: "Aggregate", run: func(ctx context.Context, c *ent.Client) (bool, error) {
			return more(call(get(query(t, c, typ), "Aggregate", ent.Count()), "Int", ctx))
		}},
		{name: "GroupBy", run: func(ctx context.Context, c *ent.Client) (bool, error) {
			var groups []struct {
				ID    string
				Count int
			}
			_, err := call(get(get(query(t, c, typ), "GroupBy", "id"), "Aggregate", ent.Count()), "Scan", ctx, &groups)
			return len(groups) > mine, err
		}},
		{name: "Select", run: func(ctx context.Context, c *ent.Client) (bool, error) {
			return has(alice.ids["User"])(call(get(query(t, c, typ), "Select", ownerColumn(typ)), "Strings", ctx))
		}},
	})
}

// along are the ways to Alice's rows over an edge.
func along(t *testing.T, plain *ent.Client, typ string, e edge, alice *household) []probe {
	t.Helper()
	hers, err := elements(call(query(t, plain, e.target, ownerColumn(e.target), alice.ids["User"]), "IDs", t.Context()))
	must(t, err)
	from, err := elements(call(query(t, plain, typ, ownerColumn(typ), alice.ids["User"]), "All", t.Context()))
	must(t, err)
	anyOfHers := func(ids []any) bool {
		return slices.ContainsFunc(ids, func(id any) bool { return slices.Contains(hers, id) })
	}
	return named(typ, []probe{
		// From a row of hers that he somehow holds.
		{name: "Query" + e.field + " of a row", run: func(ctx context.Context, c *ent.Client) (bool, error) {
			for _, row := range from {
				ids, err := elements(call(get(clientOf(c, typ), "Query"+e.field, row), "IDs", ctx))
				if err != nil || anyOfHers(ids) {
					return err == nil, err
				}
			}
			return false, nil
		}},
		// From his rows, some of which are tied to hers, as should never happen.
		{name: "Query" + e.field + " of all", run: func(ctx context.Context, c *ent.Client) (bool, error) {
			ids, err := elements(call(get(query(t, c, typ), "Query"+e.field), "IDs", ctx))
			return anyOfHers(ids), err
		}},
		{name: "With" + e.field, run: func(ctx context.Context, c *ent.Client) (bool, error) {
			rows, err := elements(call(get(query(t, c, typ), "With"+e.field), "All", ctx))
			return slices.ContainsFunc(rows, func(row any) bool {
				return anyOfHers(loadedIDs(reflect.ValueOf(row), e))
			}), err
		}},
	})
}

// writes are the ways to change, delete or forge Alice's row of a type.
func writes(t *testing.T, typ string, alice *household) []probe {
	t.Helper()
	hers := alice.ids[typ]
	some := func(v reflect.Value, err error) (bool, error) { return err == nil && v.Int() > 0, err }
	probes := []probe{
		{name: "UpdateOneID", run: func(ctx context.Context, c *ent.Client) (bool, error) {
			_, err := call(get(clientOf(c, typ), "UpdateOneID", hers), "Save", ctx)
			return err == nil, err
		}},
		{name: "DeleteOneID", run: func(ctx context.Context, c *ent.Client) (bool, error) {
			_, err := call(get(clientOf(c, typ), "DeleteOneID", hers), "Exec", ctx)
			return err == nil, err
		}},
		{name: "Delete", run: func(ctx context.Context, c *ent.Client) (bool, error) {
			b := get(clientOf(c, typ), "Delete")
			narrow(b, hers)
			return some(call(b, "Exec", ctx))
		}},
		{name: "Create for her", run: func(ctx context.Context, c *ent.Client) (bool, error) {
			_, _, err := save(ctx, alice.newRow(t, c, typ))
			return err == nil, err
		}},
	}
	if set, ok := column[typ]; ok {
		probes = append(probes, probe{name: "UpdateOneID of a column", run: func(ctx context.Context, c *ent.Client) (bool, error) {
			b := get(clientOf(c, typ), "UpdateOneID", hers)
			must(t, get(b, "Mutation").(entgo.Mutation).SetField(set.name, set.value))
			_, err := call(b, "Save", ctx)
			return err == nil, err
		}}, probe{name: "Update", run: func(ctx context.Context, c *ent.Client) (bool, error) {
			b := get(clientOf(c, typ), "Update")
			must(t, get(b, "Mutation").(entgo.Mutation).SetField(set.name, set.value))
			narrow(b, hers)
			return some(call(b, "Save", ctx))
		}})
	}
	return named(typ, probes)
}

// barredTies are edges whose other end always has a row on this side: it
// cannot be taken away from that.
var barredTies = map[string][]string{
	"User": {"sessions", "usage_days", "chats", "datasets"}, "Chat": {"messages", "runs", "memories"}, "Dataset": {"columns"},
	"Message": {"runs"}, "Run": {"steps", "events", "artifacts", "approvals"}, "Step": {"artifacts", "approvals"},
}

// ties are the ways to tie a row of Bob's to one of Alice's.
func ties(t *testing.T, plain *ent.Client, typ string, alice, bob *household) []probe {
	t.Helper()
	his := bob.ids[typ]
	var probes []probe
	for how, start := range map[string]struct {
		empty func() any
		ready func(c *ent.Client) any
	}{
		"Create": {
			func() any { return get(clientOf(plain, typ), "Create") },
			func(c *ent.Client) any { return bob.newRow(t, c, typ) },
		},
		"UpdateOneID": {
			func() any { return get(clientOf(plain, typ), "UpdateOneID", his) },
			func(c *ent.Client) any { return get(clientOf(c, typ), "UpdateOneID", his) },
		},
		"Update": {
			func() any { return get(clientOf(plain, typ), "Update") },
			func(c *ent.Client) any {
				b := get(clientOf(c, typ), "Update")
				narrow(b, his)
				return b
			},
		},
	} {
		setters := settersOf(plain, typ, start.empty)
		if edges := edgesOf(plain, typ); how == "Create" && len(setters) != len(edges) {
			t.Errorf("%s: found the setters %v for the edges %v", typ, setters, edges)
		}
		for method, e := range setters {
			probes = append(probes, probe{
				name:   how + " " + method,
				barred: slices.Contains(barredTies[typ], e.name),
				run: func(ctx context.Context, c *ent.Client) (bool, error) {
					b := start.ready(c)
					get(b, method, alice.ids[e.target])
					_, err := call(b, "Save", ctx)
					return err == nil, err
				},
			})
		}
	}
	return named(typ, probes)
}

// entangle ties rows of one to rows of the other, made for the purpose.
func entangle(t *testing.T, plain *ent.Client, one, other *household) {
	t.Helper()
	for _, typ := range typeNames(t) {
		for method, e := range settersOf(plain, typ, func() any { return get(clientOf(plain, typ), "Create") }) {
			if slices.Contains(barredTies[typ], e.name) || e.target == "User" {
				continue
			}
			_, id, err := save(t.Context(), other.newRow(t, plain, e.target))
			must(t, err)
			b := one.newRow(t, plain, typ)
			get(b, method, id)
			_, _, err = save(t.Context(), b)
			must(t, err)
		}
	}
}

func named(typ string, probes []probe) []probe {
	for i := range probes {
		probes[i].name = typ + "." + probes[i].name
	}
	return probes
}
