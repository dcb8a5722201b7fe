package gqlhttp

import (
	"net/http"
	"strconv"
	"time"

	"github.com/mark-analyst/mark/internal/fault"
	"github.com/mark-analyst/mark/server/limit"
	"github.com/mark-analyst/mark/server/operation"
)

// statusOf is the HTTP status of a response. Under application/json a
// well-formed request gets 200 even when its document is wrong, because old
// clients look into the body only then; under application/graphql-response+json
// it gets 400. What a client or a proxy should act upon without reading the
// body (try later, sign in, a defect here) has its status under both.
func statusOf(res *operation.Result, media string) int {
	if !res.IsRequestError() {
		return http.StatusOK
	}
	switch fault.Code(res.Code()) {
	case fault.RateLimited:
		return http.StatusTooManyRequests
	case fault.Unauthenticated:
		return http.StatusUnauthorized
	case fault.Unavailable:
		return http.StatusServiceUnavailable
	case fault.Internal:
		return http.StatusInternalServerError
	case limit.CodePersistedQueryNotFound:
		return http.StatusOK // a step of the protocol, not a failure
	}
	if media == mediaResponse {
		return http.StatusBadRequest
	}
	return http.StatusOK
}

func (h *Handler) write(w http.ResponseWriter, media string, status int, res *operation.Result) {
	if media == mediaEvents {
		media = mediaJSON
	}
	body := append(res.AppendJSON(nil), '\n')
	header := w.Header()
	header.Set("Content-Type", media+"; charset=utf-8")
	header.Set("Content-Length", strconv.Itoa(len(body)))
	if len(res.Errors) > 0 {
		if after, ok := res.Errors[0].Extensions["retryAfter"].(int); ok {
			header.Set("Retry-After", strconv.Itoa(after))
		}
	}
	if status == http.StatusUnauthorized {
		header.Set("WWW-Authenticate", `Bearer realm="mark"`)
	}
	c := http.NewResponseController(w)
	_ = c.SetWriteDeadline(time.Now().Add(h.WriteTimeout))
	w.WriteHeader(status)
	// Whoever does not take the answer has hung up or been cut off; there is
	// nobody left to tell.
	_, _ = w.Write(body)
	_ = c.Flush()
	_ = c.SetWriteDeadline(time.Time{})
}
