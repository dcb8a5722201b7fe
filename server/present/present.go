// Package present decides what of an error a client gets to see.
package present

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"runtime/debug"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/99designs/gqlgen/graphql/errcode"
	"github.com/vektah/gqlparser/v2/ast"
	"github.com/vektah/gqlparser/v2/gqlerror"

	"github.com/mark-analyst/mark/internal/fault"
	"github.com/mark-analyst/mark/server/caller"
	"github.com/mark-analyst/mark/server/limit"
)

// Presenter turns errors into what clients see. Faults are shown by their code
// and message, errors in the client's document by what is wrong with it;
// everything else becomes INTERNAL with the request's id, and is logged.
type Presenter struct {
	Logger *slog.Logger
	// Suggestions tells whether "Did you mean …?" may be shown; it gives the
	// schema away where introspection is switched off.
	Suggestions bool
	// Explain says what people can be told of an error that is no fault, such as
	// a database that is away; nil, or a nil answer: nothing.
	Explain func(err error) *fault.Error
}

// Error implements graphql.ErrorPresenterFunc.
func (p *Presenter) Error(ctx context.Context, err error) *gqlerror.Error {
	var found *gqlerror.Error
	if !errors.As(err, &found) || found == nil {
		found = &gqlerror.Error{}
	}
	out := &gqlerror.Error{Path: found.Path, Locations: found.Locations, Extensions: map[string]any{}}
	if code, ok := clientMistake(found); ok {
		out.Message = found.Message
		if !p.Suggestions {
			out.Message = withoutSuggestion(out.Message)
		}
		out.Extensions["code"] = code
		return out
	}
	f, ok := fault.As(err)
	if !ok && p.Explain != nil {
		if f = p.Explain(err); f != nil {
			ok = true
			p.log(ctx, slog.LevelWarn, "operation failed", found.Path, err)
		}
	}
	switch {
	case ok && f.Code != fault.Internal:
		if f.Field == "" && badArgument(ctx, found) { // a scalar that explains itself
			f = f.OnField(argument(found.Path))
		}
		if f.Err != nil {
			p.log(ctx, slog.LevelDebug, "operation refused", found.Path, err)
		}
	case errors.As(err, new(*http.MaxBytesError)):
		f = fault.New(fault.LimitExceeded, "The request is too large.")
	case badArgument(ctx, found):
		f = fault.New(fault.BadUserInput, "The value of %s is not valid.", argument(found.Path)).OnField(argument(found.Path))
		p.log(ctx, slog.LevelDebug, "argument refused", found.Path, err)
	case errors.Is(err, context.DeadlineExceeded):
		f = fault.New(fault.Unavailable, "The operation took too long and was ended.")
		p.log(ctx, slog.LevelWarn, "operation timed out", found.Path, err)
	case errors.Is(err, context.Canceled):
		f = fault.New(fault.Unavailable, "The operation was cancelled.")
	default:
		f = fault.New(fault.Internal, "Something went wrong on our side.")
		out.Extensions["requestId"] = caller.From(ctx).RequestID
		p.log(ctx, slog.LevelError, "internal error", found.Path, err)
	}
	out.Message = f.Message
	out.Extensions["code"] = string(f.Code)
	if f.Field != "" {
		out.Extensions["field"] = f.Field
	}
	if f.RetryAfter > 0 {
		out.Extensions["retryAfter"] = Seconds(f.RetryAfter)
	}
	return out
}

// Seconds is a duration in whole seconds, rounded up, as extensions.retryAfter
// and the header Retry-After give it.
func Seconds(d time.Duration) int { return int(math.Ceil(d.Seconds())) }

// Recover implements graphql.RecoverFunc: it keeps the stack for the log.
func (p *Presenter) Recover(_ context.Context, value any) error {
	return &panicError{value: value, stack: debug.Stack()}
}

type panicError struct {
	value any
	stack []byte
}

// Error implements error.
func (e *panicError) Error() string { return fmt.Sprintf("panic: %v", e.value) }

func (p *Presenter) log(ctx context.Context, level slog.Level, message string, path ast.Path, err error) {
	attrs := []slog.Attr{
		slog.String("request_id", caller.From(ctx).RequestID),
		slog.String("path", path.String()),
		slog.String("error", err.Error()),
	}
	if pe := (*panicError)(nil); errors.As(err, &pe) {
		attrs = append(attrs, slog.String("stack", string(pe.stack)))
	}
	p.Logger.LogAttrs(ctx, level, message, attrs...)
}

// clientMistake tells whether err was found by the parser or the validator,
// whose messages speak of nothing but the client's own document.
func clientMistake(err *gqlerror.Error) (code string, ok bool) {
	code, _ = err.Extensions["code"].(string)
	switch code {
	case errcode.ParseFailed, errcode.ValidationFailed, limit.CodePersistedQueryNotFound:
		return code, true
	}
	return "", false
}

// badArgument tells whether err says that an argument did not fit its type.
// gqlgen unmarshals arguments while it prepares a field, and the field's
// arguments stay nil when that fails; the text of such an error is Go's.
func badArgument(ctx context.Context, err *gqlerror.Error) bool {
	if !graphql.HasOperationContext(ctx) || len(err.Path) == 0 {
		return false
	}
	fc := graphql.GetFieldContext(ctx)
	return fc != nil && fc.Args == nil && fc.Field.Field != nil && fc.Field.Definition != nil &&
		len(fc.Field.Definition.Arguments) > 0 && !errors.As(err, new(*panicError))
}

// argument names the place in the arguments, which follows the field's own
// name in path: "input.count".
func argument(path ast.Path) string {
	var names []string
	for _, p := range path {
		switch p := p.(type) {
		case ast.PathName:
			names = append(names, string(p))
		case ast.PathIndex:
			names = append(names, fmt.Sprint(int(p)))
		}
	}
	if len(names) > 1 {
		names = names[1:]
	}
	return strings.Join(names, ".")
}

func withoutSuggestion(message string) string {
	before, _, _ := strings.Cut(message, " Did you mean ")
	return before
}
