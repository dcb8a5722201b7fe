// Package gqlhttp speaks GraphQL over HTTP
// (https://graphql.github.io/graphql-over-http/draft/), server-sent events in
// the "distinct connections mode" of the graphql-sse protocol, and multipart
// uploads.
package gqlhttp

import (
	"encoding/json"
	"errors"
	"io"
	"mime"
	"net/http"
	"net/url"
	"os"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"
	"github.com/vektah/gqlparser/v2/ast"

	"github.com/mark-analyst/mark/internal/fault"
	"github.com/mark-analyst/mark/server/caller"
	"github.com/mark-analyst/mark/server/operation"
	"github.com/mark-analyst/mark/server/upload"
)

// Handler serves one address for GraphQL. All fields are required.
type Handler struct {
	Runner *operation.Runner
	// BodyBytes bounds the body of a request without files.
	BodyBytes int64
	// WriteTimeout is how long a client may take to accept one response or
	// one event; then it is cut off.
	WriteTimeout time.Duration
	// KeepAlive is the pause after which a silent event stream sends a
	// comment, so that proxies do not take it for dead.
	KeepAlive time.Duration
	Upload    upload.Config
	// Closing ends all event streams when it is closed, Lost those that were open
	// when its channel is.
	Closing <-chan struct{}
	Lost    func() <-chan struct{}
}

const allowed = "GET, POST, OPTIONS"

// ServeHTTP implements http.Handler.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("Cache-Control", "no-store")
	w.Header().Add("Vary", "Accept") // beside Origin
	switch r.Method {
	case http.MethodGet, http.MethodPost:
	case http.MethodOptions:
		w.Header().Set("Allow", allowed)
		w.WriteHeader(http.StatusNoContent)
		return
	default:
		w.Header().Set("Allow", allowed)
		h.Refuse(w, r, http.StatusMethodNotAllowed, fault.New(fault.BadUserInput, "Use GET or POST."))
		return
	}
	media := negotiate(r)
	if media == "" {
		h.Refuse(w, r, http.StatusNotAcceptable, fault.New(fault.BadUserInput,
			"Accept must allow %s, %s or %s.", mediaResponse, mediaJSON, mediaEvents))
		return
	}
	if r.Method == http.MethodPost && upload.IsMultipart(r) {
		h.upload(w, r, media)
		return
	}
	params, status, err := h.params(w, r)
	if err != nil {
		h.Refuse(w, r, status, err)
		return
	}
	params.Headers = r.Header
	if media == mediaEvents {
		h.events(w, r, params)
		return
	}
	h.once(w, r, media, params)
}

// params reads the parameters of the operation, or says with which status the
// request is to be refused.
func (h *Handler) params(w http.ResponseWriter, r *http.Request) (*graphql.RawParams, int, error) {
	if r.Method == http.MethodGet {
		p, err := fromQuery(r.URL.Query())
		return p, http.StatusBadRequest, err
	}
	media, mediaParams, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	if err != nil || media != mediaJSON {
		return nil, http.StatusUnsupportedMediaType, fault.New(fault.BadUserInput, "Content-Type must be %s.", mediaJSON)
	}
	if c := mediaParams["charset"]; c != "" && !strings.EqualFold(c, "utf-8") {
		return nil, http.StatusUnsupportedMediaType, fault.New(fault.BadUserInput, "The body must be encoded in UTF-8.")
	}
	if e := r.Header.Get("Content-Encoding"); e != "" && !strings.EqualFold(e, "identity") {
		return nil, http.StatusUnsupportedMediaType, fault.New(fault.BadUserInput, "The body must not be compressed.")
	}
	if r.ContentLength > h.BodyBytes {
		return nil, http.StatusRequestEntityTooLarge, h.tooLarge()
	}
	body, err := io.ReadAll(http.MaxBytesReader(w, r.Body, h.BodyBytes))
	if err == nil {
		// The deadline of Server.describe, left standing, would later look
		// like a client that hung up.
		_ = http.NewResponseController(w).SetReadDeadline(time.Time{})
	}
	switch {
	case errors.As(err, new(*http.MaxBytesError)):
		return nil, http.StatusRequestEntityTooLarge, h.tooLarge()
	case errors.Is(err, os.ErrDeadlineExceeded):
		return nil, http.StatusRequestTimeout, fault.New(fault.BadUserInput, "The body took too long to arrive.")
	case err != nil:
		return nil, http.StatusBadRequest, fault.Wrap(err, fault.BadUserInput, "The body did not arrive completely.")
	}
	p, err := operation.ParseParams(body)
	return p, http.StatusBadRequest, err
}

func (h *Handler) tooLarge() error {
	return fault.New(fault.LimitExceeded, "The body is larger than %d bytes.", h.BodyBytes)
}

// fromQuery reads the parameters from a URL, where variables and extensions
// are JSON in a string.
func fromQuery(q url.Values) (*graphql.RawParams, error) {
	body := map[string]json.RawMessage{}
	for _, name := range []string{"query", "operationName"} {
		if q.Has(name) {
			text, err := json.Marshal(q.Get(name))
			if err != nil {
				return nil, fault.Wrap(err, fault.BadUserInput, "%s must be a string.", name)
			}
			body[name] = text
		}
	}
	for _, name := range []string{"variables", "extensions"} {
		if v := q.Get(name); v != "" {
			if !json.Valid([]byte(v)) {
				return nil, fault.New(fault.BadUserInput, "%s must be an object.", name)
			}
			body[name] = json.RawMessage(v)
		}
	}
	whole, err := json.Marshal(body)
	if err != nil {
		return nil, fault.Wrap(err, fault.BadUserInput, "The parameters are not valid.")
	}
	return operation.ParseParams(whole)
}

// once answers a query or a mutation with one response.
func (h *Handler) once(w http.ResponseWriter, r *http.Request, media string, params *graphql.RawParams) {
	op, refusal := h.Runner.Prepare(r.Context(), params)
	if refusal != nil {
		h.write(w, media, statusOf(refusal, media), refusal)
		return
	}
	defer op.Close()
	if h.misplaced(w, r, op, media) {
		return
	}
	if res := op.Next(); res != nil {
		h.write(w, media, statusOf(res, media), res)
	}
}

// misplaced refuses an operation whose kind does not go with the method or
// the media type: a GET must change nothing, and a stream needs a transport
// that streams.
func (h *Handler) misplaced(w http.ResponseWriter, r *http.Request, op *operation.Operation, media string) bool {
	switch {
	case r.Method == http.MethodGet && op.Kind == ast.Mutation:
		w.Header().Set("Allow", http.MethodPost)
		h.refuse(w, r, http.StatusMethodNotAllowed, fault.New(fault.BadUserInput, "Send mutations with POST."))
	case media != mediaEvents && op.Kind == ast.Subscription:
		h.refuse(w, r, http.StatusNotAcceptable, fault.New(fault.BadUserInput,
			"Subscriptions need Accept: %s, or a WebSocket.", mediaEvents))
	default:
		return false
	}
	return true
}

// Refuse answers a request that is no operation, or not one of ours to run,
// with an HTTP status and a GraphQL error, and then reads what the client still
// sends.
func (h *Handler) Refuse(w http.ResponseWriter, r *http.Request, status int, err error) {
	h.refuse(w, r, status, err)
	if r.ContentLength != 0 {
		// Closing a connection with unread data resets it, and a client that
		// sends all before it looks for an answer would lose this one. How long
		// it may take was set when the request arrived.
		_, _ = io.CopyN(io.Discard, r.Body, drainBytes)
	}
}

// drainBytes bounds what is read only to be thrown away.
const drainBytes = 1 << 30

// refuse is Refuse for whoever reads the rest of the request, or has read it.
func (h *Handler) refuse(w http.ResponseWriter, r *http.Request, status int, err error) {
	media := negotiate(r)
	if media != mediaResponse {
		media = mediaJSON
	}
	h.write(w, media, status, h.Runner.Refuse(r.Context(), err))
}

func withTransport(r *http.Request, name string) *http.Request {
	who := caller.From(r.Context())
	who.Transport = name
	return r.WithContext(caller.With(r.Context(), who))
}
