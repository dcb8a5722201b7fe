package resolvers

import (
	"encoding/json"
	"fmt"
	"math"
	"reflect"
	"strconv"
	"time"

	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/mark-analyst/mark/internal/fault"
	"github.com/mark-analyst/mark/internal/ids"
	"github.com/mark-analyst/mark/internal/storable"
)

// maxPage is how many edges a page has at most.
const maxPage = 100

// pageCheck holds the arguments of all connections of an operation to the
// contract. Those of ent's own resolvers are checked nowhere else.
type pageCheck struct{ variables map[string]any }

func (c pageCheck) selection(set ast.SelectionSet) *gqlerror.Error {
	for _, sel := range set {
		var directives ast.DirectiveList
		var inner ast.SelectionSet
		switch s := sel.(type) {
		case *ast.Field:
			directives, inner = s.Directives, s.SelectionSet
			if s.Definition != nil && isConnection(s.Definition.Type.Name()) && c.included(directives) {
				check := checkPage
				if s.Definition.Arguments.ForName("last") == nil {
					check = checkForward
				}
				if f := check(s.ArgumentMap(c.variables)); f != nil {
					out := gqlerror.WrapIfUnwrapped(f)
					out.Locations = []gqlerror.Location{{Line: s.Position.Line, Column: s.Position.Column}}
					return out
				}
			}
		case *ast.InlineFragment:
			directives, inner = s.Directives, s.SelectionSet
		case *ast.FragmentSpread:
			if directives = s.Directives; s.Definition != nil {
				inner = s.Definition.SelectionSet
			}
		}
		if !c.included(directives) {
			continue
		}
		if err := c.selection(inner); err != nil {
			return err
		}
	}
	return nil
}

// included is what @skip and @include say.
func (c pageCheck) included(directives ast.DirectiveList) bool {
	says := func(name string) (value, ok bool) {
		d := directives.ForName(name)
		if d == nil {
			return false, false
		}
		value, _ = d.ArgumentMap(c.variables)["if"].(bool)
		return value, true
	}
	if skip, ok := says("skip"); ok && skip {
		return false
	}
	include, ok := says("include")
	return !ok || include
}

// checkPage checks the arguments of one connection; nil where they are good.
func checkPage(args map[string]any) *fault.Error {
	first, hasFirst := args["first"], args["first"] != nil
	last, hasLast := args["last"], args["last"] != nil
	after, before := args["after"] != nil, args["before"] != nil
	switch {
	case !hasFirst && !hasLast:
		return badPage("first", "Say how many: `first` or `last`, 1 to %d.", maxPage)
	case hasFirst && hasLast:
		return badPage("last", "Give `first` or `last`, not both.")
	case hasFirst && !isPageSize(first):
		return badPage("first", "`first` must be 1 to %d.", maxPage)
	case hasLast && !isPageSize(last):
		return badPage("last", "`last` must be 1 to %d.", maxPage)
	case hasFirst && before:
		return badPage("before", "`first` goes with `after`, `last` with `before`.")
	case hasLast && after:
		return badPage("after", "`first` goes with `after`, `last` with `before`.")
	}
	order, _ := args["orderBy"].(map[string]any)
	by, _ := order["field"].(string)
	if by == "" {
		return badPage("orderBy", "`orderBy` cannot be null. Leave it out for the usual order.")
	}
	for _, name := range []string{"after", "before"} {
		if args[name] == nil {
			continue
		}
		if err := checkCursor(args[name], by); err != nil {
			return badPage(name, "`%s` is not a cursor of this list.", name)
		}
	}
	return nil
}

// checkForward checks the arguments of a connection that only goes forward and has
// an order of its own. What its cursors hold its resolver checks.
func checkForward(args map[string]any) *fault.Error {
	if args["first"] == nil {
		return badPage("first", "Say how many: `first`, 1 to %d.", maxPage)
	}
	if !isPageSize(args["first"]) {
		return badPage("first", "`first` must be 1 to %d.", maxPage)
	}
	return nil
}

func badPage(field, format string, args ...any) *fault.Error {
	return fault.New(fault.BadUserInput, format, args...).OnField(field)
}

// isPageSize tells whether v, in one of the shapes that gqlparser leaves an Int
// in, is a size that pages can have.
func isPageSize(v any) bool {
	n := int64(0)
	switch v := v.(type) {
	case int:
		n = int64(v)
	case int64:
		n = v
	case float64:
		if v != math.Trunc(v) || v < 1 || v > maxPage {
			return false
		}
		n = int64(v)
	case json.Number:
		n, _ = strconv.ParseInt(v.String(), 10, 64)
	}
	return n >= 1 && n <= maxPage
}

// checkCursor refuses what does not compare with the values that a list is
// ordered by; the database would refuse the whole statement. A cursor is opaque
// and not signed, so it holds whatever a client puts there.
func checkCursor(v any, orderedBy string) error {
	var c cursor
	if err := c.UnmarshalGQL(v); err != nil {
		return err
	}
	if ids.Prefix(c.ID) == "" {
		return fmt.Errorf("the id %q", c.ID)
	}
	switch value := c.Value.(type) {
	case time.Time:
		if y := value.Year(); orderedBy != "CREATED_AT" && orderedBy != "UPDATED_AT" || y < 1 || y > 9999 {
			return fmt.Errorf("the time %v", value)
		}
		return nil
	case string:
		if orderedBy != "NAME" || storable.Text(value) != value {
			return fmt.Errorf("the text %q", value)
		}
		return nil
	}
	if n := reflect.ValueOf(c.Value); orderedBy == "SEQ" && (n.CanInt() || n.CanUint() && n.Uint() <= math.MaxInt32) {
		return nil
	}
	return fmt.Errorf("the value %v", c.Value)
}
