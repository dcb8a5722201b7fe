package bigquery

import (
	"context"
	"errors"
	"net/http"
	"net/url"
	"slices"
	"strconv"
	"time"

	"github.com/cenkalti/backoff/v5"
	"google.golang.org/api/googleapi"
)

// passing are the reasons of failures that pass, of calls and of beginning jobs.
var passing = []string{"backendError", "internalError", "rateLimitExceeded", "jobRateLimitExceeded"}

// retried calls until it succeeds, fails for good, or ctx ends; then the last
// failure is returned. A call that begins a job must carry the job's id, so that
// it begins one job.
func retried[T any](ctx context.Context, call func() (T, error)) (T, error) {
	intervals := backoff.NewExponentialBackOff()
	intervals.InitialInterval = 200 * time.Millisecond
	intervals.MaxInterval = 10 * time.Second
	var last error
	out, err := backoff.Retry(ctx, func() (T, error) {
		out, err := call()
		if err == nil {
			return out, nil
		}
		if ctx.Err() == nil || last == nil {
			last = err
		}
		if !passes(err) {
			return out, backoff.Permanent(err)
		}
		if after := retryAfter(err); after > 0 {
			return out, backoff.RetryAfter(int(after / time.Second))
		}
		return out, err
	}, backoff.WithBackOff(intervals), backoff.WithMaxElapsedTime(0))
	if err != nil {
		return out, last
	}
	return out, nil
}

// passes tells whether trying again may help.
func passes(err error) bool {
	var api *googleapi.Error
	if errors.As(err, &api) {
		return api.Code >= 500 || len(api.Errors) > 0 && slices.Contains(passing, api.Errors[0].Reason)
	}
	if isAuth(err) || errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) {
		return false
	}
	var transport *url.Error
	return errors.As(err, &transport)
}

// retryAfter is how long the service asks to be left alone, in whole seconds.
func retryAfter(err error) time.Duration {
	var api *googleapi.Error
	if !errors.As(err, &api) {
		return 0
	}
	seconds, err := strconv.Atoi(api.Header.Get("Retry-After"))
	if err != nil || seconds < 0 {
		return 0
	}
	return time.Duration(seconds) * time.Second
}

// duplicate tells that a job with the same id is there: the answer to an earlier
// attempt was lost.
func duplicate(err error) bool {
	var api *googleapi.Error
	return errors.As(err, &api) && api.Code == http.StatusConflict
}
