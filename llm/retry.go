package llm

import (
	"context"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/cenkalti/backoff/v5"

	"github.com/mark-analyst/mark/internal/dialogue"
)

// retry calls attempt until it succeeds, fails for good, has shown something,
// or has used up its tries. It keeps its own loop around the library's
// intervals so that a wait never outlasts ctx and tests can do the waiting.
func (c *Endpoint) retry(ctx context.Context, attempt func() (dialogue.Reply, *failure)) (dialogue.Reply, *failure) {
	intervals := backoff.NewExponentialBackOff()
	intervals.InitialInterval = c.cfg.RetryBase
	intervals.Multiplier = 2
	intervals.MaxInterval = 20 * time.Second
	var unseen dialogue.Usage
	for tries := 0; ; tries++ {
		reply, failed := attempt()
		reply.Unseen = unseen
		if failed == nil || !c.mayRetry(failed, tries) {
			return reply, failed
		}
		wait := max(intervals.NextBackOff(), failed.retryAfter)
		if deadline, ok := ctx.Deadline(); ok && time.Until(deadline) < wait {
			return reply, failed // it would wait for nothing
		}
		c.cfg.Log.WarnContext(ctx, "the model's endpoint failed, asking again",
			"host", c.Name(), "code", string(failed.code), "wait", wait, "try", tries+1,
			"detail", scrub(failed.detail, c.secrets()))
		if err := c.cfg.Sleep(ctx, wait); err != nil {
			return reply, stopped(err)
		}
		unseen = reply.Paid()
	}
}

func (c *Endpoint) mayRetry(f *failure, tries int) bool {
	if f.visible || tries >= c.cfg.MaxRetries || f.retryAfter > c.cfg.MaxRetryAfter {
		return false
	}
	return f.retry == retryMore || (f.retry == retryOnce && tries == 0)
}

// stopped is the failure of a call that its caller ended.
func stopped(err error) *failure {
	return &failure{
		code:    dialogue.CodeUnavailable,
		message: "The request to the model was stopped before it was answered.",
		own:     err,
	}
}

// retryAfter reads how long a response asks to wait: Retry-After in seconds or
// as a date (RFC 9110, 10.2.3), or retry-after-ms as OpenAI and Azure send it.
// It returns 0 for none and for nonsense.
func retryAfter(h http.Header, now time.Time) time.Duration {
	if ms, err := strconv.ParseFloat(strings.TrimSpace(h.Get("Retry-After-Ms")), 64); err == nil {
		return bounded(ms / 1000)
	}
	value := strings.TrimSpace(h.Get("Retry-After"))
	if seconds, err := strconv.ParseFloat(value, 64); err == nil {
		return bounded(seconds)
	}
	if at, err := http.ParseTime(value); err == nil {
		return bounded(at.Sub(now).Seconds())
	}
	return 0
}

// bounded turns seconds into a duration; what is more than a day is a day.
func bounded(seconds float64) time.Duration {
	const day = 24 * 60 * 60
	if !(seconds > 0) { // NaN too
		return 0
	}
	return time.Duration(min(seconds, day) * float64(time.Second))
}
