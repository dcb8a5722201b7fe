package upload_test

import (
	"io"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"github.com/mark-analyst/mark/internal/fault"
	"github.com/mark-analyst/mark/server/upload"
)

const sample = "--b\r\nContent-Disposition: form-data; name=\"operations\"\r\n\r\n" +
	`{"query":"mutation($f: Upload!) { f }","variables":{"f":null}}` +
	"\r\n--b\r\nContent-Disposition: form-data; name=\"map\"\r\n\r\n" +
	`{"0":["variables.f"]}` +
	"\r\n--b\r\nContent-Disposition: form-data; name=\"0\"; filename=\"a.csv\"\r\nContent-Type: text/csv\r\n\r\n" +
	"a,b\n1,2\n\r\n--b--\r\n"

func open(body string) (*upload.Request, error) {
	r := httptest.NewRequest("POST", "/graphql", strings.NewReader(body))
	r.Header.Set("Content-Type", "multipart/form-data; boundary=b")
	r.Header.Set("Apollo-Require-Preflight", "1")
	return upload.Open(httptest.NewRecorder(), r, upload.Config{
		FileBytes: 100, Files: 2, FieldBytes: 1000, IdleTimeout: time.Second,
	})
}

func TestFile(t *testing.T) {
	req, err := open(sample)
	if err != nil {
		t.Fatal(err)
	}
	u := req.Params.Variables["f"].(graphql.Upload)
	if u.Filename != "a.csv" || u.ContentType != "text/csv" || u.Size != -1 {
		t.Errorf("got %+v", u)
	}
	if n, err := u.File.Seek(0, io.SeekStart); n != 0 || err != nil {
		t.Errorf("Seek to the beginning, being there: %d, %v", n, err)
	}
	if got, err := io.ReadAll(u.File); err != nil || string(got) != "a,b\n1,2\n" {
		t.Errorf("got %q, %v", got, err)
	}
	if n, err := u.File.Seek(0, io.SeekCurrent); n != 8 || err != nil {
		t.Errorf("Seek to tell the place: %d, %v", n, err)
	}
	if _, err := u.File.Seek(0, io.SeekStart); err == nil {
		t.Error("a stream was rewound")
	}
	req.Close()
}

func TestFileAfterItsOperation(t *testing.T) {
	req, err := open(sample)
	if err != nil {
		t.Fatal(err)
	}
	req.Close()
	if n, err := req.Params.Variables["f"].(graphql.Upload).File.Read(make([]byte, 10)); n != 0 || fault.CodeOf(err) != fault.Internal {
		t.Errorf("got %d, %v", n, err)
	}
}

func FuzzOpen(f *testing.F) {
	f.Add(sample)
	f.Add(strings.Replace(sample, "variables.f", "variables.f.0.x", 1))
	f.Add(sample[:200])
	f.Fuzz(func(t *testing.T, body string) {
		req, err := open(body)
		defer req.Close() //nolint:staticcheck // Open returns a request with its errors, too
		if err == nil {
			for _, v := range req.Params.Variables {
				if u, ok := v.(graphql.Upload); ok {
					_, err = io.Copy(io.Discard, u.File)
				}
			}
		}
		if code := fault.CodeOf(err); err != nil && code != fault.BadUserInput && code != fault.LimitExceeded {
			t.Errorf("%q: %v", body, err)
		}
	})
}
