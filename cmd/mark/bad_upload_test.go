package main

import (
	"archive/zip"
	"bytes"
	"context"
	"fmt"
	"io"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/mark-analyst/mark/internal/fakellm"
)

// zipped is a zip that is no XLSX.
func zipped(t *testing.T) []byte {
	t.Helper()
	var b bytes.Buffer
	w := zip.NewWriter(&b)
	f, err := w.Create("hello.txt")
	if err != nil {
		t.Fatal(err)
	}
	f.Write([]byte("hello"))
	w.Close()
	return b.Bytes()
}

// wide is a CSV with so many columns.
func wide(columns int) []byte {
	var head, row strings.Builder
	for i := range columns {
		if i > 0 {
			head.WriteByte(',')
			row.WriteByte(',')
		}
		fmt.Fprintf(&head, "column %d", i)
		fmt.Fprintf(&row, "%d", i)
	}
	return []byte(head.String() + "\n" + row.String() + "\n")
}

func TestBadUploads(t *testing.T) {
	s := start(t, "", func(c *Config, _ *Parts) { c.Limits.UploadBytes = 1 << 20 })
	ada := s.signUp("ada@example.org")
	binary := []byte(strings.Repeat("\x00\x01\x02\xff", 500))
	png := append([]byte("\x89PNG\r\n\x1a\n"), binary...)
	for name, tc := range map[string]struct {
		file    string
		content []byte
		refused string // the code of an error at once
		failed  bool   // or a dataset that ends FAILED
	}{
		"0 bytes":            {"a.csv", nil, "BAD_USER_INPUT", false},
		"blank":              {"a.csv", []byte("\n\n \n"), "", true},
		"binary as CSV":      {"a.csv", binary, "", true},
		"an image":           {"a.csv", png, "BAD_USER_INPUT", false},
		"broken XLSX":        {"a.xlsx", append([]byte("PK\x03\x04"), bytes.Repeat([]byte{7}, 300)...), "", true},
		"broken Parquet":     {"a.parquet", []byte("PAR1" + strings.Repeat("x", 300)), "", true},
		"a zip and no XLSX":  {"a.xlsx", zipped(t), "", true},
		"half of a JSON":     {"a.json", []byte(`[{"a":1},{"a":`), "", true},
		"too large":          {"a.csv", bytes.Repeat([]byte("1,2,3\n"), 1<<18), "LIMIT_EXCEEDED", false},
		"3,000 columns":      {"wide.csv", wide(3000), "", false},
		"repeated names":     {"a.csv", []byte("a,a,,a\n1,2,3,4\n"), "", false},
		"a name with tricks": {"../../etc/\u202epass\x00wd.csv", []byte("a,b\n1,2\n"), "", false},
		"another encoding":   {"a.csv", []byte("stra\xdfe,gr\xf6\xdfe\nM\xfcnchen,5\n"), "", false},
	} {
		t.Run(name, func(t *testing.T) {
			p := *ada
			p.service = &service{t: t, url: s.url, app: s.app}
			r := p.upload(tc.file, tc.content)
			if tc.refused != "" {
				code := r.code()
				if code == "" {
					code = r.str("uploadDataset", "errors", 0, "code")
				}
				if code != tc.refused {
					t.Fatalf("code %q in %+v", code, r)
				}
				return
			}
			if len(r.Errors) > 0 {
				t.Fatal(r.Errors)
			}
			got := p.profiled(r.str("uploadDataset", "dataset", "id"))
			state := got.str("node", "state")
			if tc.failed {
				if message := got.str("node", "error", "message"); state != "FAILED" || len(message) < 20 || strings.Contains(message, "Traceback") {
					t.Errorf("state %s, error %q", state, message)
				}
				return
			}
			if state != "READY" {
				t.Fatalf("state %s: %v", state, got.at("node", "error"))
			}
			if file := got.str("node", "fileName"); strings.ContainsAny(file, "/\x00\u202e") {
				t.Errorf("file name %q", file)
			}
			seen := map[string]bool{}
			for _, c := range got.at("node", "columns").([]any) {
				n := dig(t, c, "name").(string)
				if n == "" || seen[n] {
					t.Errorf("column name %q", n)
				}
				seen[n] = true
			}
		})
	}
	all := ada.do(`{ viewer { datasets(first: 100) { totalCount nodes { state } } } }`, nil)
	if n := all.at("viewer", "datasets", "totalCount"); n != float64(10) {
		t.Errorf("%v datasets, want the 10 that were stored", n)
	}
}

func TestEveryFormatIsRead(t *testing.T) {
	s := start(t, "", nil)
	ada := s.signUp("ada@example.org")
	for file, content := range map[string][]byte{
		"a.csv":   []byte("name;price\nä;1,5\nb;2,5\n"),
		"a.tsv":   []byte("name\tprice\na\t1.5\nb\t2.5\n"),
		"a.jsonl": []byte("{\"name\":\"a\",\"price\":1.5}\n{\"name\":\"b\",\"price\":2.5}\n"),
		"a.json":  []byte(`[{"name":"a","price":1.5},{"name":"b","price":2.5}]`),
	} {
		got := ada.profiled(ada.upload(file, content).str("uploadDataset", "dataset", "id"))
		if got.str("node", "state") != "READY" || got.str("node", "rowCount") != "2" ||
			got.str("node", "columns", 1, "type") != "FLOAT" || got.str("node", "columns", 1, "max") != "2.5" {
			t.Errorf("%s: %v", file, got.Data)
		}
	}
}

// stalling is a body that stops in the middle and says when it was read so far.
type stalling struct {
	io.Reader
	half chan struct{}
	ctx  context.Context
}

func (s *stalling) Read(b []byte) (int, error) {
	n, err := s.Reader.Read(b)
	if err == io.EOF {
		close(s.half)
		<-s.ctx.Done()
		return n, s.ctx.Err()
	}
	return n, err
}

// uploadHalf sends half of a file and then nothing until ctx ends. It returns
// when the half is on its way.
func (p *person) uploadHalf(ctx context.Context) (done <-chan error) {
	p.t.Helper()
	body, contentType := multipartBody(p.t, "big.csv", bytes.Repeat([]byte("1,2,3\n"), 1<<18))
	half := &stalling{bytes.NewReader(body[:len(body)/2]), make(chan struct{}), ctx}
	req := p.request(half, contentType).WithContext(ctx)
	ended := make(chan error, 1)
	go func() {
		res, err := p.client.Do(req)
		if err == nil {
			res.Body.Close()
		}
		ended <- err
	}()
	<-half.half
	return ended
}

func TestHangUpInTheMiddleOfAnUpload(t *testing.T) {
	s := start(t, "", nil)
	ada := s.signUp("ada@example.org")
	ctx, hangUp := context.WithCancel(t.Context())
	done := ada.uploadHalf(ctx)
	hangUp()
	if err := <-done; err == nil {
		t.Fatal("half an upload was answered")
	}
	ctx, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	eventually(t, ctx, "the half upload is gone", func() bool { return len(filesIn(t, s.config.DataDir)) == 0 })
	if n := ada.do(`{ viewer { datasets(first: 1) { totalCount } } }`, nil).at("viewer", "datasets", "totalCount"); n != float64(0) {
		t.Errorf("%v datasets", n)
	}
}

// TestEndInTheMiddleOfAnUpload: a client that has fallen silent is cut off, and
// leaves the runs the time to end as they should.
func TestEndInTheMiddleOfAnUpload(t *testing.T) {
	s := start(t, "", withModel(t, fakellm.Silent()))
	ada := s.signUp("ada@example.org")
	_, run := ada.ask("", "hello")
	limited, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	eventually(t, limited, "the run begins", func() bool { return ada.run(run).str("node", "state") == "RUNNING" })
	ctx, hangUp := context.WithCancel(t.Context())
	defer hangUp()
	done := ada.uploadHalf(ctx)
	eventually(t, limited, "the upload begins", func() bool { return len(filesIn(t, s.config.DataDir)) == 1 })
	s.downWithin(12 * time.Second)
	hangUp()
	<-done
	s.up()
	again, cancel := context.WithTimeout(t.Context(), 30*time.Second)
	defer cancel()
	if left := filesIn(t, s.config.DataDir); len(left) > 0 {
		t.Errorf("left: %v", left)
	}
	// The run was handed over in good order, and goes on.
	if r := ada.run(run); r.str("node", "state") != "RUNNING" {
		t.Errorf("the run is %s", r.str("node", "state"))
	}
	ada.do(`mutation($id: ID!) { stopRun(input: {runId: $id}) { run { id } } }`, vars{"id": run})
	eventually(t, again, "the run is stopped", func() bool { return ada.run(run).str("node", "state") == "CANCELLED" })
}

func TestUploadNeedsThePreflightHeader(t *testing.T) {
	s := start(t, "", nil)
	ada := s.signUp("ada@example.org")
	body, contentType := multipartBody(t, "a.csv", []byte("a\n1\n"))
	req := ada.request(bytes.NewReader(body), contentType)
	req.Header.Del("Apollo-Require-Preflight")
	if r := ada.send(req); r.status < http.StatusBadRequest || len(r.Errors) == 0 {
		t.Errorf("status %d, %+v", r.status, r)
	}
}
