package warehousetest

import (
	"math"

	"github.com/mark-analyst/mark/warehouse"
)

// Params are parameters with what every engine gives back of them.
var Params = []ParamCase{
	{Param: warehouse.Param{Name: "p", Type: warehouse.String, Value: "it's"}, Want: "it's"},
	{Param: warehouse.Param{Name: "p", Type: warehouse.String, Value: ""}, Want: ""},
	{Param: warehouse.Param{Name: "p", Type: warehouse.String, Value: nil}, Want: nil},
	{Param: warehouse.Param{Name: "p", Type: warehouse.Integer, Value: float64(7)}, Want: int64(7)},
	{Param: warehouse.Param{Name: "p", Type: warehouse.Integer, Value: int64(math.MaxInt64)}, Want: int64(math.MaxInt64)},
	{Param: warehouse.Param{Name: "p", Type: warehouse.Float, Value: 0.1}, Want: 0.1},
	{Param: warehouse.Param{Name: "p", Type: warehouse.Boolean, Value: true}, Want: true},
	{Param: warehouse.Param{Name: "p", Type: warehouse.Numeric, Value: "1.23"}, Want: "1.23"},
	{Param: warehouse.Param{Name: "p", Type: warehouse.Date, Value: "2026-02-03"}, Want: "2026-02-03"},
	{Param: warehouse.Param{Name: "p", Type: warehouse.Time, Value: "01:02:03"}, Want: "01:02:03"},
	{Param: warehouse.Param{Name: "p", Type: warehouse.DateTime, Value: "2026-02-03T01:02:03"}, Want: "2026-02-03T01:02:03"},
	{Param: warehouse.Param{Name: "p", Type: warehouse.Timestamp, Value: "2026-02-03T01:02:03+01:00"}, Want: "2026-02-03T00:02:03Z"},
	{Param: warehouse.Param{Name: "p", Type: warehouse.Bytes, Value: "AP+A"}, Want: "AP+A"},
	{Param: warehouse.Param{Name: "p", Type: warehouse.JSON, Value: `{"a": 1}`}, Want: `{"a": 1}`},
	{Param: warehouse.Param{Name: "p", Type: warehouse.Integer, Array: true, Value: []any{float64(1), float64(2)}}, Want: []any{int64(1), int64(2)}},
	{Param: warehouse.Param{Name: "p", Type: warehouse.String, Array: true, Value: []any{}}, Want: []any{}},
}
