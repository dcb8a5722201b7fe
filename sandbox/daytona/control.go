package daytona

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"math"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"
	sdk "github.com/daytonaio/daytona/libs/sdk-go/pkg/daytona"
	sdkerrors "github.com/daytonaio/daytona/libs/sdk-go/pkg/errors"
	"github.com/daytonaio/daytona/libs/sdk-go/pkg/options"
)

// The states of a sandbox that matter here; Daytona has more, which pass.
const (
	stateStarted     = "started"
	stateStopped     = "stopped"
	stateArchived    = "archived"
	stateError       = "error"
	stateBuildFailed = "build_failed"
	stateDestroyed   = "destroyed"
	stateDestroying  = "destroying"
)

// stateFailure says that a sandbox is in a state from which it will not start.
type stateFailure struct{ state string }

// Error implements error.
func (e *stateFailure) Error() string { return "the sandbox is in state " + e.state }

// errStopped says that a sandbox no longer runs: Daytona stopped it, or it is gone.
var errStopped = errors.New("the sandbox does not run any more")

// control speaks to Daytona's API. Calls that fail in passing are repeated, for
// as long as patience or the caller's context lasts: the SDK does not.
type control struct {
	client   *sdk.Client
	patience time.Duration
	logger   *slog.Logger
	words    words
}

// try calls attempt until it succeeds, fails for good, or patience is over.
func (c *control) try(ctx context.Context, what string, attempt func(ctx context.Context) error) error {
	intervals := backoff.NewExponentialBackOff()
	intervals.InitialInterval = 200 * time.Millisecond
	intervals.MaxInterval = 5 * time.Second
	_, err := backoff.Retry(ctx, func() (struct{}, error) {
		err := attempt(ctx)
		switch {
		case err == nil:
			return struct{}{}, nil
		case ctx.Err() != nil: // the SDK keeps the text of such an error only
			return struct{}{}, backoff.Permanent(errors.Join(ctx.Err(), err))
		case !passes(err):
			return struct{}{}, backoff.Permanent(err)
		}
		if wait := retryAfter(err, time.Now()); wait > 0 {
			err = errors.Join(err, &backoff.RetryAfterError{Duration: wait})
		}
		return struct{}{}, err
	}, backoff.WithBackOff(intervals), backoff.WithMaxElapsedTime(c.patience), backoff.WithNotify(func(err error, wait time.Duration) {
		c.logger.WarnContext(ctx, "Daytona failed, asking again", "call", what, "wait", wait, "error", err)
	}))
	if err != nil {
		return fmt.Errorf("%s: %w", what, err)
	}
	return nil
}

// said is the message of Daytona's in an error.
func said(err error) string {
	var (
		plain    *sdkerrors.DaytonaError
		notFound *sdkerrors.DaytonaNotFoundError
		rate     *sdkerrors.DaytonaRateLimitError
	)
	switch {
	case errors.As(err, &notFound):
		return notFound.Message
	case errors.As(err, &rate):
		return rate.Message
	case errors.As(err, &plain):
		return plain.Message
	}
	return err.Error()
}

// response finds what the SDK kept of the reply in an error: its status, 0 where
// there was none, and its headers.
func response(err error) (status int, header http.Header) {
	var (
		plain    *sdkerrors.DaytonaError
		notFound *sdkerrors.DaytonaNotFoundError
		rate     *sdkerrors.DaytonaRateLimitError
	)
	switch {
	case errors.As(err, &notFound):
		return notFound.StatusCode, notFound.Headers
	case errors.As(err, &rate):
		return rate.StatusCode, rate.Headers
	case errors.As(err, &plain):
		return plain.StatusCode, plain.Headers
	}
	return 0, nil
}

// passes reports whether repeating a call may help.
func passes(err error) bool {
	var state *stateFailure
	if errors.As(err, &state) || errors.Is(err, errStopped) || errors.Is(err, errRaised) {
		return false
	}
	status, _ := response(err)
	return status == 0 || status == http.StatusTooManyRequests || status == http.StatusRequestTimeout ||
		status >= 500 && status != http.StatusNotImplemented
}

// isRefusal reports whether Daytona refuses the key.
func isRefusal(err error) bool {
	status, _ := response(err)
	return status == http.StatusUnauthorized
}

func isMissing(err error) bool {
	status, _ := response(err)
	return status == http.StatusNotFound
}

// retryAfter reads how long a reply asks to wait: Retry-After in seconds or as a
// date (RFC 9110, 10.2.3), or Daytona's Retry-After-<what is limited>.
func retryAfter(err error, now time.Time) time.Duration {
	_, header := response(err)
	var longest time.Duration
	for name, values := range header {
		if name != "Retry-After" && !strings.HasPrefix(http.CanonicalHeaderKey(name), "Retry-After-") || len(values) == 0 {
			continue
		}
		value := strings.TrimSpace(values[0])
		if seconds, err := strconv.ParseFloat(value, 64); err == nil && seconds > 0 && !math.IsInf(seconds, 0) {
			longest = max(longest, time.Duration(min(seconds, 24*60*60)*float64(time.Second)))
		} else if at, err := http.ParseTime(value); err == nil {
			longest = max(longest, at.Sub(now))
		}
	}
	return longest
}

// create makes a sandbox, and returns it before it has started. params hold name,
// which is how a sandbox is found again whose creation was not heard of: the
// repeated call meets it.
func (c *control) create(ctx context.Context, name string, params any) (*sdk.Sandbox, error) {
	var made *sdk.Sandbox
	err := c.try(ctx, "create a sandbox", func(ctx context.Context) error {
		var err error
		made, err = c.client.Create(ctx, params, options.WithWaitForStart(false), options.WithTimeout(time.Minute))
		if status, _ := response(err); status == http.StatusConflict {
			made, err = c.client.Get(ctx, name)
		}
		return told(err)
	})
	return made, err
}

// told finds a sandbox's bad state in an error of the SDK's, which tells it in
// these words only.
func told(err error) error {
	if err != nil && strings.Contains(err.Error(), "Sandbox failed to start") {
		return errors.Join(err, &stateFailure{state: stateError})
	}
	return err
}

// get asks for a sandbox by id or name.
func (c *control) get(ctx context.Context, name string) (*sdk.Sandbox, error) {
	var found *sdk.Sandbox
	err := c.try(ctx, "ask for a sandbox", func(ctx context.Context) (err error) {
		found, err = c.client.Get(ctx, name)
		return err
	})
	return found, err
}

// awaitStarted waits until a sandbox runs; it asks often at first, for one made
// from a snapshot starts within a second.
func (c *control) awaitStarted(ctx context.Context, made *sdk.Sandbox) (*sdk.Sandbox, error) {
	wait := 50 * time.Millisecond
	for {
		switch state := string(made.State); state {
		case stateStarted:
			return made, nil
		case stateError, stateBuildFailed, stateDestroyed, stateDestroying:
			return nil, &stateFailure{state: state}
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("the sandbox is still in state %q: %w", made.State, ctx.Err())
		case <-time.After(wait):
		}
		wait = min(wait*3/2, time.Second)
		var err error
		if made, err = c.get(ctx, made.ID); err != nil {
			return nil, err
		}
	}
}

// start starts a stopped sandbox again.
func (c *control) start(ctx context.Context, name string) (*sdk.Sandbox, error) {
	found, err := c.get(ctx, name)
	if err != nil {
		return nil, err
	}
	if state := string(found.State); state == stateStopped || state == stateArchived {
		err = c.try(ctx, "start a sandbox", func(ctx context.Context) error {
			// StartWithTimeout also waits, at its own slow pace, and forgets why
			// it failed; the first refresh below is as good.
			err := found.StartWithTimeout(ctx, time.Minute)
			if status, _ := response(err); status == http.StatusConflict {
				return nil // somebody is starting it
			}
			return told(err)
		})
		if err != nil {
			return nil, err
		}
		if found, err = c.get(ctx, name); err != nil {
			return nil, err
		}
	}
	return c.awaitStarted(ctx, found)
}

// remove deletes a sandbox by id or name. One that is not there, or is going, is
// as good as deleted.
func (c *control) remove(ctx context.Context, name string) error {
	return c.try(ctx, "delete a sandbox", func(ctx context.Context) error {
		found, err := c.client.Get(ctx, name)
		if err == nil {
			if state := string(found.State); state == stateDestroyed || state == stateDestroying {
				return nil
			}
			err = found.Delete(ctx)
		}
		if isMissing(err) {
			return nil
		}
		return err
	})
}

// list returns all sandboxes that have the labels.
func (c *control) list(ctx context.Context, labels map[string]string) ([]*sdk.Sandbox, error) {
	var all []*sdk.Sandbox
	for page := 1; ; page++ {
		limit := 100
		var found *sdk.PaginatedSandboxes
		err := c.try(ctx, "list sandboxes", func(ctx context.Context) (err error) {
			found, err = c.client.List(ctx, labels, &page, &limit)
			return err
		})
		if err != nil {
			return nil, err
		}
		all = append(all, found.Items...)
		if page >= found.TotalPages || len(found.Items) == 0 {
			return all, nil
		}
	}
}
