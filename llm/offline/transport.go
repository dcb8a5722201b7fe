package offline

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strings"
)

// Model is the name by which the analyst goes on the wire.
const Model = "offline-analyst"

// maxBody bounds a request, in bytes. The agent keeps conversations far below.
const maxBody = 32 << 20

// Transport answers HTTP requests as a Chat Completions server would, without a
// network. It holds no state: a reply is a function of the request alone. It is
// safe for use by several goroutines.
type Transport struct{}

// New returns the analyst. Put it behind an adapter as
//
//	&http.Client{Transport: offline.New()}
//
// with any base address whose path ends in /v1.
func New() *Transport { return &Transport{} }

// RoundTrip implements http.RoundTripper: POST …/chat/completions, streamed or
// not, and GET …/models. Its errors are those of the request's context and of
// reading its body; what a server would refuse is refused with a status.
func (t *Transport) RoundTrip(req *http.Request) (*http.Response, error) {
	if req.Body != nil {
		defer req.Body.Close()
	}
	if err := req.Context().Err(); err != nil {
		return nil, err
	}
	switch path := req.URL.Path; {
	case strings.HasSuffix(path, "/chat/completions") && req.Method == http.MethodPost:
		return t.complete(req)
	case strings.HasSuffix(path, "/models") && req.Method == http.MethodGet:
		return respond(req, http.StatusOK, modelList())
	case strings.HasSuffix(path, "/chat/completions"), strings.HasSuffix(path, "/models"):
		return refuse(req, http.StatusMethodNotAllowed, "method_not_allowed", "This method is not allowed here.")
	}
	return refuse(req, http.StatusNotFound, "not_found", "The offline analyst knows /chat/completions and /models only.")
}

func (t *Transport) complete(req *http.Request) (*http.Response, error) {
	if req.Body == nil {
		return refuse(req, http.StatusBadRequest, "invalid_request", "The request has no body.")
	}
	body, err := io.ReadAll(io.LimitReader(req.Body, maxBody+1))
	if err != nil {
		return nil, fmt.Errorf("read the request: %w", err)
	}
	if len(body) > maxBody {
		return refuse(req, http.StatusRequestEntityTooLarge, "context_length_exceeded", "The conversation is too long.")
	}
	var r request
	if err := json.Unmarshal(body, &r); err != nil {
		return refuse(req, http.StatusBadRequest, "invalid_request", "The request is not the JSON of a chat completion.")
	}
	if err := r.check(); err != nil {
		return refuse(req, http.StatusBadRequest, "invalid_request", err.Error())
	}
	c := newCompletion(r, body, next(conversationOf(r)))
	if !r.Stream {
		return respond(req, http.StatusOK, c.whole())
	}
	return response(req, http.StatusOK, "text/event-stream", newStream(req.Context(), c.chunks())), nil
}

var errNoMessages = errors.New("the request has no message of a user")

// check refuses what no server could answer.
func (r request) check() error {
	for _, m := range r.Messages {
		if m.Role == "user" {
			return nil
		}
	}
	return errNoMessages
}

func respond(req *http.Request, status int, v any) (*http.Response, error) {
	body, err := json.Marshal(v)
	if err != nil {
		return nil, fmt.Errorf("write the reply: %w", err)
	}
	return response(req, status, "application/json", io.NopCloser(strings.NewReader(string(body)))), nil
}

func refuse(req *http.Request, status int, code, message string) (*http.Response, error) {
	return respond(req, status, map[string]any{
		"error": map[string]any{"message": message, "type": "invalid_request_error", "code": code},
	})
}

func response(req *http.Request, status int, mediaType string, body io.ReadCloser) *http.Response {
	return &http.Response{
		Status: fmt.Sprintf("%d %s", status, http.StatusText(status)), StatusCode: status,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header: http.Header{"Content-Type": {mediaType}}, Body: body, ContentLength: -1, Request: req,
	}
}
