// Package upload reads GraphQL multipart requests
// (https://github.com/jaydenseric/graphql-multipart-request-spec) without ever
// holding a file: the operation begins as soon as the first file does, and
// reads it from the network.
package upload

import (
	"encoding/json"
	"io"
	"mime"
	"net/http"
	"strconv"
	"strings"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"github.com/mark-analyst/mark/internal/fault"
	"github.com/mark-analyst/mark/server/operation"
)

// Config bounds uploads. All fields are required.
type Config struct {
	FileBytes   int64         // the size of one file
	Files       int           // the number of files in one request
	FieldBytes  int64         // the size of the fields operations and map, each
	IdleTimeout time.Duration // how long the client may send nothing
}

// The headers of which one must be there. A page of another origin cannot set
// them without asking first (CORS preflight), while a bare form could post a
// multipart body in the name of whoever opens the page.
const (
	headerPreflight     = "Apollo-Require-Preflight"
	headerOperationName = "X-Apollo-Operation-Name"
)

// overhead bounds the boundaries and part headers of one request.
const overhead = 64 << 10

// Request is a multipart request whose files are still on their way.
type Request struct {
	Params *graphql.RawParams

	body    *body
	whole   *patientReader
	control *http.ResponseController
}

// IsMultipart tells whether r has a multipart body.
func IsMultipart(r *http.Request) bool {
	media, _, err := mime.ParseMediaType(r.Header.Get("Content-Type"))
	return err == nil && media == "multipart/form-data"
}

// Open reads the request up to the beginning of its first file. Errors are
// BAD_USER_INPUT, or LIMIT_EXCEEDED for what is too large. The Request is never
// nil, and Close must be called after the answer is sent.
func Open(w http.ResponseWriter, r *http.Request, cfg Config) (*Request, error) {
	req := &Request{control: http.NewResponseController(w)}
	req.whole = &patientReader{from: r.Body, patience: cfg.IdleTimeout, setDeadline: req.control.SetReadDeadline}
	req.body = &body{cfg: cfg, rest: req.whole, taken: map[string]bool{}}
	if r.Header.Get(headerPreflight) == "" && r.Header.Get(headerOperationName) == "" {
		return req, fault.New(fault.BadUserInput, "Uploads need the header %s or %s, with any value.", headerPreflight, headerOperationName)
	}
	most := cfg.FileBytes*int64(cfg.Files) + 2*cfg.FieldBytes + overhead
	if r.ContentLength > most {
		return req, req.body.tooLarge("The upload is larger than %d bytes.", most)
	}
	r.Body = http.MaxBytesReader(w, req.whole, most)
	var err error
	if req.body.parts, err = r.MultipartReader(); err != nil {
		return req, fault.Wrap(err, fault.BadUserInput, "The body is not valid multipart/form-data.")
	}
	operations, err := req.body.field("operations")
	if err != nil {
		return req, err
	}
	if req.Params, err = operation.ParseParams(operations); err != nil {
		return req, err
	}
	fileMap, err := req.body.field("map")
	if err != nil {
		return req, err
	}
	return req, req.place(fileMap, cfg.Files)
}

// place puts a File into the variables wherever the field map says so.
func (req *Request) place(fileMap []byte, most int) error {
	var paths map[string][]string
	if err := json.Unmarshal(fileMap, &paths); err != nil || len(paths) == 0 {
		return fault.Wrap(err, fault.BadUserInput, `map must be an object like {"0": ["variables.file"]}.`)
	}
	if len(paths) > most {
		return fault.New(fault.LimitExceeded, "At most %d files can be sent at once.", most)
	}
	req.body.expect = map[string]*File{}
	for name := range paths {
		req.body.expect[name] = &File{body: req.body, name: name}
	}
	first, err := req.body.first()
	if err != nil {
		return err
	}
	for name, targets := range paths {
		if len(targets) != 1 {
			return fault.New(fault.BadUserInput, "Each file must be mapped to exactly one variable.")
		}
		file := req.body.expect[name]
		u := graphql.Upload{File: file, Size: -1}
		if file == first {
			if u.Filename, u.ContentType, err = file.Describe(); err != nil {
				return err
			}
		}
		if err := set(req.Params.Variables, targets[0], u); err != nil {
			return err
		}
	}
	return nil
}

// set replaces the null at path, like "variables.input.files.0", by value.
func set(variables map[string]any, path string, value graphql.Upload) error {
	bad := fault.New(fault.BadUserInput, "map names a place that is not null in the variables.")
	names := strings.Split(path, ".")
	if len(names) < 2 || names[0] != "variables" {
		return bad
	}
	var at any = variables
	for i, name := range names[1:] {
		last := i == len(names)-2
		switch parent := at.(type) {
		case map[string]any:
			child, ok := parent[name]
			if !ok || last && child != nil {
				return bad
			}
			if last {
				parent[name] = value
			}
			at = child
		case []any:
			n, err := strconv.Atoi(name)
			if err != nil || n < 0 || n >= len(parent) || last && parent[n] != nil {
				return bad
			}
			if last {
				parent[n] = value
			}
			at = parent[n]
		default:
			return bad
		}
	}
	return nil
}

// TooLarge tells whether a limit on size was hit.
func (req *Request) TooLarge() bool {
	req.body.mu.Lock()
	defer req.body.mu.Unlock()
	return req.body.exceeded
}

// BeforeAnswer must be called before the response is written. Where the body
// has not arrived completely it gives the connection up: net/http would wait
// for the rest before it answers.
func (req *Request) BeforeAnswer(w http.ResponseWriter) {
	if !req.body.finish() {
		w.Header().Set("Connection", "close")
	}
}

// Bounds on what is read after the answer only to be thrown away. Closing a
// socket with unread data resets it, and the client could lose the answer.
const (
	drainTime  = 5 * time.Second
	drainBytes = 1 << 30
)

// Close ends all reading from the request. It reads for a while what the
// client still sends, so that it gets to see the answer.
func (req *Request) Close() {
	if !req.body.finish() {
		req.whole.until(time.Now().Add(drainTime))
		_, _ = io.CopyN(io.Discard, req.whole, drainBytes)
	}
	_ = req.control.SetReadDeadline(time.Time{})
}
