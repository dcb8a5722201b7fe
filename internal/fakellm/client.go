package fakellm

import (
	"context"
	"io"
	"net/http"
	"sync"
)

// Client answers requests in-process, by a script: what it takes the place of
// is an *http.Client together with the server behind it. Each thing that an
// answer writes reaches the reader by itself.
type Client struct {
	recorder
	script Script
}

// NewClient returns a client that answers by script.
func NewClient(script Script) *Client {
	return &Client{recorder: newRecorder(), script: script}
}

// Do carries out a request as http.Client.Do does. Like the transport of
// net/http it fails the reading of a body whose request's context has ended.
func (c *Client) Do(req *http.Request) (*http.Response, error) {
	request, err := c.record(req)
	if err != nil {
		return nil, err
	}
	ctx := req.Context()
	reader, writer := io.Pipe()
	w := &pipeWriter{header: http.Header{}, body: writer, started: make(chan struct{})}
	go func() {
		stop := context.AfterFunc(ctx, func() { writer.CloseWithError(context.Cause(ctx)) })
		defer stop()
		err := c.play(ctx, request, w)
		if ctx.Err() != nil && err != nil {
			c.left <- struct{}{}
		}
		w.start(http.StatusOK, err)
		writer.CloseWithError(err) // nil is EOF
	}()
	select {
	case <-w.started:
	case <-ctx.Done():
		return nil, context.Cause(ctx)
	}
	if w.err != nil {
		return nil, w.err
	}
	return &http.Response{
		StatusCode: w.status, Status: http.StatusText(w.status), Header: w.header.Clone(),
		Body: reader, Request: req, Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1, ContentLength: -1,
	}, nil
}

// play plays the script's answer; a broken connection is an error.
func (c *Client) play(ctx context.Context, r Request, w http.ResponseWriter) (err error) {
	defer func() {
		switch v := recover(); v {
		case nil:
		case http.ErrAbortHandler:
			err = io.ErrUnexpectedEOF
		default:
			panic(v)
		}
	}()
	return c.script(r).play(ctx, r, w)
}

// pipeWriter is the server's side of a response.
type pipeWriter struct {
	header  http.Header
	body    *io.PipeWriter
	once    sync.Once
	started chan struct{} // closed when status or err is set
	status  int
	err     error
}

func (w *pipeWriter) start(status int, err error) {
	w.once.Do(func() {
		w.status, w.err = status, err
		close(w.started)
	})
}

func (w *pipeWriter) Header() http.Header  { return w.header }
func (w *pipeWriter) WriteHeader(code int) { w.start(code, nil) }
func (w *pipeWriter) Write(p []byte) (int, error) {
	w.start(http.StatusOK, nil)
	return w.body.Write(p)
}
