package fault_test

import (
	"errors"
	"fmt"
	"io"
	"testing"
	"time"

	"github.com/mark-analyst/mark/internal/fault"
)

func TestCodeOf(t *testing.T) {
	notFound := fault.New(fault.NotFound, "No such chat.")
	for _, c := range []struct {
		name string
		err  error
		want fault.Code
	}{
		{"nil is no failure", nil, ""},
		{"a fault", notFound, fault.NotFound},
		{"a wrapped fault", fmt.Errorf("loading: %w", notFound), fault.NotFound},
		{"a joined fault", errors.Join(io.EOF, notFound), fault.NotFound},
		{"the outermost of two", fault.Wrap(notFound, fault.Unavailable, "Try later."), fault.Unavailable},
		{"any other error", io.ErrUnexpectedEOF, fault.Internal},
		{"a fault without a code", &fault.Error{Message: "?"}, fault.Internal},
		{"a nil *Error in an error", error((*fault.Error)(nil)), fault.Internal},
	} {
		t.Run(c.name, func(t *testing.T) {
			if got := fault.CodeOf(c.err); got != c.want {
				t.Errorf("CodeOf = %q, want %q", got, c.want)
			}
			if c.want != "" && !fault.Is(c.err, c.want) {
				t.Errorf("Is(%q) = false", c.want)
			}
		})
	}
	if fault.Is(nil, "") {
		t.Error("nil is a failure")
	}
}

func TestWrapKeepsTheCauseOutOfTheMessage(t *testing.T) {
	e := fault.Wrap(io.ErrClosedPipe, fault.Unavailable, "The %s is not reachable.", "model")
	if e.Message != "The model is not reachable." {
		t.Errorf("Message = %q", e.Message)
	}
	if !errors.Is(e, io.ErrClosedPipe) {
		t.Error("the cause is lost")
	}
	if want := "The model is not reachable.: io: read/write on closed pipe"; e.Error() != want {
		t.Errorf("Error() = %q, want %q", e.Error(), want)
	}
}

func TestNewTakesACause(t *testing.T) {
	e := fault.New(fault.BadUserInput, "reading the header: %w", io.EOF)
	if !errors.Is(e, io.EOF) {
		t.Error("the cause is lost")
	}
	if want := "reading the header: EOF"; e.Error() != want || e.Message != want {
		t.Errorf("Error() = %q, Message = %q, want %q once", e.Error(), e.Message, want)
	}
}

func TestCopies(t *testing.T) {
	base := fault.New(fault.RateLimited, "Too many.")
	e := base.OnField("email").After(time.Second)
	if e.Field != "email" || e.RetryAfter != time.Second || e.Code != fault.RateLimited {
		t.Errorf("got %+v", e)
	}
	if base.Field != "" || base.RetryAfter != 0 {
		t.Errorf("the original was changed: %+v", base)
	}
}

func TestErrorWithoutMessageNamesItsCode(t *testing.T) {
	if got := (&fault.Error{Code: fault.Forbidden}).Error(); got != "FORBIDDEN" {
		t.Errorf("Error() = %q", got)
	}
}
