package server_test

import (
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io"
	"mime/multipart"
	"net/http"
	"runtime"
	"strings"
	"testing"
	"time"

	"github.com/mark-analyst/mark/server"
)

const (
	uploadOne  = `{"query":"mutation($input: UploadInput!) { upload(input: $input) { filename contentType size sha256 } }","variables":{"input":{"file":null}}}`
	uploadMany = `{"query":"mutation($files: [Upload!]!) { uploadMany(files: $files) { filename size } }","variables":{"files":[null,null]}}`
)

// part is one part of a multipart body; a file when it has a file name.
type part struct{ name, filename, content string }

// multi builds a multipart body.
func multi(parts ...part) (contentType, body string) {
	var b bytes.Buffer
	w := multipart.NewWriter(&b)
	for _, p := range parts {
		var field io.Writer
		if p.filename == "" {
			field, _ = w.CreateFormField(p.name)
		} else {
			field, _ = w.CreateFormFile(p.name, p.filename)
		}
		_, _ = io.WriteString(field, p.content)
	}
	_ = w.Close()
	return w.FormDataContentType(), b.String()
}

func (e *env) upload(parts ...part) answer {
	e.t.Helper()
	contentType, body := multi(parts...)
	return e.do(e.request("POST", e.url(), body, "Content-Type", contentType, "Apollo-Require-Preflight", "1"))
}

func TestUpload(t *testing.T) {
	e := start(t, nil)
	content := strings.Repeat("a,b\n1,2\n", 50_000)
	sum := sha256.Sum256([]byte(content))
	a := e.upload(part{"operations", "", uploadOne}, part{"map", "", `{"0":["variables.input.file"]}`}, part{"0", "data.csv", content})
	want := fmt.Sprintf(`{"data":{"upload":{"filename":"data.csv","contentType":"application/octet-stream","size":%d,"sha256":"%s"}}}`+"\n",
		len(content), hex.EncodeToString(sum[:]))
	if a.status != 200 || a.body != want {
		t.Errorf("got %d %s, want %s", a.status, a.body, want)
	}
	if a.header.Get("Connection") == "close" {
		t.Error("a complete upload costs the connection")
	}
	a = e.upload(part{"operations", "", uploadMany}, part{"map", "", `{"x":["variables.files.0"],"y":["variables.files.1"]}`},
		part{"x", "one", "1"}, part{"y", "two", "22"})
	if want := `{"data":{"uploadMany":[{"filename":"one","size":1},{"filename":"two","size":2}]}}` + "\n"; a.body != want {
		t.Errorf("two files: got %s, want %s", a.body, want)
	}
}

func TestUploadRefusals(t *testing.T) {
	e := start(t, func(c *server.Config) {
		c.Limits.UploadBytes = 1000
		c.Limits.UploadFiles = 2
		c.Limits.BodyBytes = 4000
	})
	ops, one := part{"operations", "", uploadOne}, part{"map", "", `{"0":["variables.input.file"]}`}
	file := part{"0", "f", "content"}
	mapTo := func(text string) part { return part{"map", "", text} }
	for _, c := range []struct {
		name   string
		parts  []part
		status int
		code   string
	}{
		{"map first", []part{one, ops, file}, 400, "BAD_USER_INPUT"},
		{"file first", []part{file, ops, one}, 400, "BAD_USER_INPUT"},
		{"no map", []part{ops}, 400, "BAD_USER_INPUT"},
		{"nothing", nil, 400, "BAD_USER_INPUT"},
		{"operations not JSON", []part{{"operations", "", "{"}, one, file}, 400, "BAD_USER_INPUT"},
		{"a batch", []part{{"operations", "", "[" + uploadOne + "]"}, one, file}, 400, "BAD_USER_INPUT"},
		{"map not JSON", []part{ops, mapTo(`[`), file}, 400, "BAD_USER_INPUT"},
		{"map empty", []part{ops, mapTo(`{}`), file}, 400, "BAD_USER_INPUT"},
		{"map to nowhere", []part{ops, mapTo(`{"0":["variables.nothing"]}`), file}, 400, "BAD_USER_INPUT"},
		{"map through a text", []part{{"operations", "", `{"query":"{ hello }","variables":{"a":"x"}}`}, mapTo(`{"0":["variables.a.b"]}`), file}, 400, "BAD_USER_INPUT"},
		{"map over a value", []part{{"operations", "", `{"query":"{ hello }","variables":{"a":"x"}}`}, mapTo(`{"0":["variables.a"]}`), file}, 400, "BAD_USER_INPUT"},
		{"map beyond a list", []part{{"operations", "", uploadMany}, mapTo(`{"0":["variables.files.2"]}`), file}, 400, "BAD_USER_INPUT"},
		{"map before a list", []part{{"operations", "", uploadMany}, mapTo(`{"0":["variables.files.-1"]}`), file}, 400, "BAD_USER_INPUT"},
		{"map outside variables", []part{ops, mapTo(`{"0":["query"]}`), file}, 400, "BAD_USER_INPUT"},
		{"one file twice", []part{{"operations", "", uploadMany}, mapTo(`{"0":["variables.files.0","variables.files.1"]}`), file}, 400, "BAD_USER_INPUT"},
		{"two files in one place", []part{ops, mapTo(`{"0":["variables.input.file"],"1":["variables.input.file"]}`), file, {"1", "g", "x"}}, 400, "BAD_USER_INPUT"},
		{"too many files", []part{ops, mapTo(`{"0":["variables.a"],"1":["variables.b"],"2":["variables.c"]}`), file}, 413, "LIMIT_EXCEEDED"},
		{"a file not announced", []part{ops, one, {"1", "f", "content"}}, 400, "BAD_USER_INPUT"},
		{"a file that is missing", []part{ops, one}, 400, "BAD_USER_INPUT"},
		{"the second file missing", []part{{"operations", "", uploadMany}, mapTo(`{"0":["variables.files.0"],"1":["variables.files.1"]}`), file}, 200, "BAD_USER_INPUT"},
		{"a huge map", []part{ops, mapTo(strings.Repeat(" ", 5000)), file}, 413, "LIMIT_EXCEEDED"},
		{"a file that is too large", []part{ops, one, {"0", "f", strings.Repeat("x", 1001)}}, 413, "LIMIT_EXCEEDED"},
		{"a file as large as allowed", []part{ops, one, {"0", "f", strings.Repeat("x", 1000)}}, 200, ""},
		{"much too large", []part{ops, one, {"0", "f", strings.Repeat("x", 1_000_000)}}, 413, "LIMIT_EXCEEDED"},
		{"an invalid operation", []part{{"operations", "", `{"query":"mutation($f: Nope) { nothing }","variables":{"f":null}}`}, mapTo(`{"0":["variables.f"]}`), file}, 200, "GRAPHQL_VALIDATION_FAILED"},
		{"an upload where none belongs", []part{{"operations", "", `{"query":"query($n: String) { hello(name: $n) }","variables":{"n":null}}`}, mapTo(`{"0":["variables.n"]}`), file}, 200, "GRAPHQL_VALIDATION_FAILED"},
	} {
		t.Run(c.name, func(t *testing.T) {
			e := *e
			e.t = t
			if a := e.upload(c.parts...); a.status != c.status || a.code() != c.code {
				t.Errorf("got %d %q, want %d %q; body %s", a.status, a.code(), c.status, c.code, a.body)
			}
		})
	}
}

func TestUploadNeedsPreflight(t *testing.T) {
	e := start(t, nil)
	contentType, body := multi(part{"operations", "", uploadOne}, part{"map", "", `{"0":["variables.input.file"]}`}, part{"0", "f", "x"})
	if a := e.do(e.request("POST", e.url(), body, "Content-Type", contentType)); a.status != 400 || a.code() != "BAD_USER_INPUT" {
		t.Errorf("without a header: %d %s", a.status, a.body)
	}
	if a := e.do(e.request("POST", e.url(), body, "Content-Type", contentType, "X-Apollo-Operation-Name", "up")); a.status != 200 {
		t.Errorf("with the other header: %d %s", a.status, a.body)
	}
}

// pipeUpload begins an upload whose file the test goes on writing to.
func (e *env) pipeUpload() (*io.PipeWriter, chan error) {
	e.t.Helper()
	contentType, body := multi(part{"operations", "", uploadOne}, part{"map", "", `{"0":["variables.input.file"]}`}, part{"0", "f", ""})
	head, _, _ := strings.Cut(body, "\r\n--"+strings.TrimPrefix(contentType, "multipart/form-data; boundary=")+"--")
	read, write := io.Pipe()
	r := e.request("POST", e.url(), "", "Content-Type", contentType, "Apollo-Require-Preflight", "1")
	r.Body, r.ContentLength = io.NopCloser(io.MultiReader(strings.NewReader(head), read)), -1
	done := make(chan error, 1)
	go func() {
		res, err := http.DefaultTransport.RoundTrip(r)
		if err == nil {
			res.Body.Close()
		}
		done <- err
	}()
	return write, done
}

func TestUploadIsReadWhileItArrives(t *testing.T) {
	e := start(t, nil)
	e.resolvers.Chunk = make(chan int64)
	write, done := e.pipeUpload()
	block := bytes.Repeat([]byte("x"), 1<<20)
	var before, after runtime.MemStats
	runtime.GC()
	runtime.ReadMemStats(&before)
	var got int64
	for i := range 50 {
		go func() { _, _ = write.Write(block) }()
		for got < int64(i+1)<<20-8192 { // but for what is in flight
			got = wait(t, e.resolvers.Chunk, "more of the file") // before the next is sent
		}
	}
	runtime.GC()
	runtime.ReadMemStats(&after)
	if grown := int64(after.HeapAlloc) - int64(before.HeapAlloc); grown > 10<<20 {
		t.Errorf("50 MB of upload are held in %d MB of memory", grown>>20)
	}
	// The client hangs up: the resolver is told.
	_ = write.CloseWithError(io.ErrClosedPipe)
	drain(t, e.resolvers.Chunk, e.ended)
	if err := wait(t, done, "the end of the request"); err == nil {
		t.Error("half an upload was answered as if it were whole")
	}
}

// drain takes chunks until the resolver ends, which must be with an error.
func drain(t *testing.T, chunks <-chan int64, ended <-chan error) {
	t.Helper()
	for {
		select {
		case <-chunks:
		case err := <-ended:
			const told = "The upload ended before it was complete."
			if err == nil || !strings.HasPrefix(err.Error(), told) || !strings.Contains(err.Error(), "; context: context canceled") {
				t.Errorf("ended with %v, want that reader and context say so", err)
			}
			return
		case <-time.After(patience):
			t.Fatal("the resolver does not end")
		}
	}
}

func TestUploadThatStalls(t *testing.T) {
	e := start(t, func(c *server.Config) { c.Limits.UploadIdle = 50 * time.Millisecond })
	write, done := e.pipeUpload()
	wait(t, e.began, "the upload")
	if err := wait(t, e.ended, "its end"); err == nil || !strings.Contains(err.Error(), "stalled") {
		t.Errorf("ended with %v", err)
	}
	_ = write.CloseWithError(io.ErrClosedPipe)
	<-done
}

func TestUploadTooLargeIsRefusedWhileItArrives(t *testing.T) {
	e := start(t, func(c *server.Config) { c.Limits.UploadBytes = 1 << 20 })
	write, done := e.pipeUpload()
	block := bytes.Repeat([]byte("x"), 64<<10)
	go func() {
		for { // never ends by itself
			if _, err := write.Write(block); err != nil {
				return
			}
		}
	}()
	if err := wait(t, e.ended, "the end of the resolver"); err == nil || !strings.Contains(err.Error(), "larger than 1048576 bytes") {
		t.Errorf("ended with %v", err)
	}
	if err := wait(t, done, "the answer"); err != nil {
		t.Errorf("the client did not get the answer: %v", err)
	}
	write.Close()
}

func TestUploadTooLargeIsAnsweredAlthoughTheClientWaits(t *testing.T) {
	e := start(t, func(c *server.Config) { c.Limits.UploadBytes, c.Limits.UploadFiles = 1000, 10 })
	contentType, body := multi(part{"operations", "", uploadOne}, part{"map", "", `{"0":["variables.input.file"]}`},
		part{"0", "f", strings.Repeat("x", 5000)})
	// The client has more to send, but does not: it waits for the answer.
	conn := e.dialTCP(fmt.Sprintf("POST /graphql HTTP/1.1\r\nHost: x\r\nApollo-Require-Preflight: 1\r\nContent-Type: %s\r\nContent-Length: %d\r\n\r\n%s",
		contentType, len(body), body[:len(body)-1000]))
	if status := conn.status(); status != http.StatusRequestEntityTooLarge {
		t.Errorf("status %d, want 413", status)
	}
}
