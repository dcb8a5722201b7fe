package limit

import (
	"context"
	"encoding/json"
	"math"

	"github.com/99designs/gqlgen/complexity"
	"github.com/99designs/gqlgen/graphql"

	"github.com/mark-analyst/mark/internal/fault"
)

// Cost bounds how many values an operation may make the server resolve. A
// field costs one plus what it contains; a field with an argument first or
// last costs that many times as much, and one with a list of ids as often as
// there are ids. A function in gqlgen's ComplexityRoot takes precedence.
type Cost struct {
	Max  int // the most an operation may cost
	Page int // the largest page that resolvers grant
}

// Check refuses an operation, already validated, that costs too much.
func (c Cost) Check(ctx context.Context, schema graphql.ExecutableSchema, op *graphql.OperationContext) error {
	cost := complexity.Calculate(ctx, pagedSchema{schema, c.Page}, op.Operation, op.Variables)
	if cost > c.Max {
		return fault.New(fault.LimitExceeded,
			"The operation is too complex: it could return %s values, at most %d are allowed. Ask for fewer fields or smaller pages.",
			rounded(cost), c.Max)
	}
	return nil
}

// rounded keeps an exact count of the largest cost out of the message, where
// it would be the point at which sums stop growing.
func rounded(cost int) string {
	if cost >= math.MaxInt32 {
		return "billions of"
	}
	text, _ := json.Marshal(cost)
	return string(text)
}

type pagedSchema struct {
	graphql.ExecutableSchema
	page int
}

// Complexity implements graphql.ExecutableSchema.
func (s pagedSchema) Complexity(ctx context.Context, typeName, field string, child int, args map[string]any) (int, bool) {
	if cost, ok := s.ExecutableSchema.Complexity(ctx, typeName, field, child, args); ok {
		return cost, true
	}
	for _, name := range []string{"first", "last"} {
		if n, ok := number(args[name]); ok {
			return times(clamp(n, 1, s.page), child), true
		}
	}
	if ids, ok := args["ids"].([]any); ok {
		return times(clamp(int64(len(ids)), 1, math.MaxInt32), child), true
	}
	return 0, false
}

// times is 1 + n·child, or the largest int where that overflows.
func times(n, child int) int {
	if child > 0 && n > (math.MaxInt-1)/child {
		return math.MaxInt
	}
	return 1 + n*child
}

func clamp(n int64, low, high int) int {
	return int(min(max(n, int64(low)), int64(high)))
}

// number reads a page size in the shapes that gqlparser leaves one in: int64,
// or json.Number for a variable of a custom scalar. What is no number is for
// the resolver to refuse.
func number(v any) (int64, bool) {
	switch v := v.(type) {
	case int64:
		return v, true
	case json.Number:
		if n, err := v.Int64(); err == nil {
			return n, true
		}
		return math.MaxInt64, true
	}
	return 0, false
}
