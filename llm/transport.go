package llm

import (
	"context"
	"io"
	"mime"
	"net/http"
	"net/url"
	"strings"
	"time"
)

// maxErrorBody bounds what is read of a body that explains a failure.
const maxErrorBody = 64 << 10

// exchange stands between go-openai and the HTTP client for one attempt. It
// does what go-openai gives no handle for: keeps Retry-After, bounds what is
// read, watches for silence, and turns the body into lines that its stream
// reader takes one frame each.
type exchange struct {
	endpoint *Endpoint
	watch    *watch
	asm      *assembler // whose reply it is
}

// Do implements openai.HTTPDoer. Its error for any answer but a good one is a
// *serverError.
func (x *exchange) Do(req *http.Request) (*http.Response, error) {
	cfg := x.endpoint.cfg
	x.endpoint.dress(req)
	arrived := x.watch.waiting(cfg.FirstByteTimeout, errFirstByte)
	res, err := cfg.HTTPClient.Do(req)
	arrived()
	if err != nil {
		return nil, err
	}
	// A Doer that is no *http.Client may not tie the body to the context.
	body := res.Body
	unhook := context.AfterFunc(req.Context(), func() { _ = body.Close() })
	if res.StatusCode < 200 || res.StatusCode > 299 || isHTML(res) {
		defer unhook()
		defer res.Body.Close() // nothing was written
		return nil, x.readError(res)
	}
	raw := &watched{body: res.Body, watch: x.watch, left: int64(cfg.MaxReplyBytes) * rawFactor}
	frames := newFrames(raw, cfg.MaxLineBytes)
	res.Body = &framedBody{frames: frames, close: func() error {
		if frames.done || x.asm.over {
			x.drain(body)
		}
		unhook()
		return body.Close()
	}}
	return res, nil
}

// drain reads what little follows the end of a reply, so that its connection
// can serve the next request.
func (x *exchange) drain(body io.Reader) {
	arrived := x.watch.waiting(x.endpoint.drain, errIdle)
	defer arrived()
	_, _ = io.CopyN(io.Discard, body, drainBytes) // it is only worth a try
}

const (
	drainTime  = 50 * time.Millisecond
	drainBytes = 4 << 10
)

// framedBody is a response's body, read as frames.
type framedBody struct {
	*frames
	close func() error
}

// Close implements io.Closer.
func (b *framedBody) Close() error { return b.close() }

func (x *exchange) readError(res *http.Response) error {
	raw := &watched{body: res.Body, watch: x.watch, left: maxErrorBody}
	body, _ := io.ReadAll(raw) // what there is of it has to do
	e := parseError(res.StatusCode, body)
	e.html = e.html || isHTML(res)
	e.retryAfter = retryAfter(res.Header, x.endpoint.cfg.Clock.Now())
	return e
}

func isHTML(res *http.Response) bool {
	kind, _, _ := mime.ParseMediaType(res.Header.Get("Content-Type"))
	return kind == "text/html"
}

// dress adds to a request what the base URL said beside its path.
func (c *Endpoint) dress(req *http.Request) {
	req.Header.Set("User-Agent", "mark")
	// Without a value it is not sent, and tells net/http that it may send the
	// request again where a kept connection turns out to be closed. llama.cpp
	// closes each after a stream, and does not say so.
	req.Header["Idempotency-Key"] = nil
	if len(c.query) > 0 {
		req.URL.RawQuery = c.query.Encode()
	}
	if c.user != nil && c.cfg.APIKey == "" {
		password, _ := c.user.Password()
		req.SetBasicAuth(c.user.Username(), password)
	}
	if c.cfg.APIKey != "" && strings.HasSuffix(c.base.Hostname(), ".azure.com") {
		req.Header.Set("api-key", c.cfg.APIKey)
	}
}

// plainError is err without the address it was about, which net/http puts in
// front and which may hold a key in its query.
func plainError(err error) error {
	for {
		wrapped, ok := err.(*url.Error) //nolint:errorlint // only the outermost layers are unwrapped
		if !ok {
			return err
		}
		err = wrapped.Err
	}
}

// errTooLarge ends a reply that goes over one of the limits on size.
type errTooLarge struct{ what string }

func (e errTooLarge) Error() string { return e.what + " is over the limit" }

// watched reads a body, ending the attempt when it stays silent or does not
// end.
type watched struct {
	body  io.Reader
	watch *watch
	left  int64
}

func (r *watched) Read(p []byte) (int, error) {
	if r.left <= 0 {
		return 0, errTooLarge{"the stream"}
	}
	if int64(len(p)) > r.left {
		p = p[:r.left]
	}
	arrived := r.watch.waiting(r.watch.idle, errIdle)
	n, err := r.body.Read(p)
	arrived()
	r.left -= int64(n)
	return n, err
}
