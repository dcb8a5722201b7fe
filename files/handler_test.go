package files_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/mark-analyst/mark/files"
	"github.com/mark-analyst/mark/internal/clock"
	"github.com/mark-analyst/mark/internal/fault"
)

// site serves files from a real server.
type site struct {
	*httptest.Server
	signer *files.Signer
	now    time.Time
	found  map[string]files.Found
}

const content = "0123456789"

func newSite(t *testing.T) *site {
	t.Helper()
	store, _ := open(t)
	o, err := store.Put(t.Context(), "artifacts", strings.NewReader(content), 100)
	must(t, err)
	s := &site{now: time.Unix(1_800_000_000, 0), found: map[string]files.Found{
		"art_png":  {Key: o.Key, MIMEType: "image/png"},
		"art_pn":   {Key: o.Key, MIMEType: "image/png"},
		"art_svg":  {Key: o.Key, MIMEType: "image/svg+xml"},
		"art_html": {Key: o.Key, MIMEType: "text/html; charset=utf-8"},
		"art_csv":  {Key: o.Key, MIMEType: "text/csv"},
		"art_odd":  {Key: o.Key, MIMEType: "\r\nX-Injected: 1"},
		"art_gone": {Key: "artifacts/aa/gone", MIMEType: "image/png"},
	}}
	s.signer, err = files.NewSigner(bytes.Repeat([]byte("k"), 32), clock.Func(func() time.Time { return s.now }))
	must(t, err)
	s.Server = httptest.NewServer(&files.Handler{
		Store: store, Signer: s.signer, Logger: slog.New(slog.DiscardHandler),
		Lookup: func(_ context.Context, id string) (files.Found, error) {
			if id == "art_broken" {
				return files.Found{}, errors.New("the database is away")
			}
			f, ok := s.found[id]
			if !ok {
				return f, fault.New(fault.NotFound, "No such artifact.")
			}
			return f, nil
		},
	})
	t.Cleanup(s.Close)
	return s
}

func (s *site) get(t *testing.T, method, path string, header ...string) (*http.Response, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.URL+path, nil)
	must(t, err)
	for i := 0; i < len(header); i += 2 {
		req.Header.Set(header[i], header[i+1])
	}
	res, err := s.Client().Do(req)
	must(t, err)
	body, err := io.ReadAll(res.Body)
	must(t, errors.Join(err, res.Body.Close()))
	return res, string(body)
}

func TestHandlerServes(t *testing.T) {
	s := newSite(t)
	for _, c := range []struct{ id, name, mimeType, disposition string }{
		{"art_png", "plot.png", "image/png", "inline"},
		{"art_svg", "plot.svg", "image/svg+xml", "attachment"},
		{"art_html", "page.html", "text/html; charset=utf-8", "attachment"},
		{"art_csv", "müll \"50%\" 猫/..\\x.csv", "text/csv", "attachment"},
		{"art_odd", "a\r\nX-Injected: 1", "application/octet-stream", "attachment"},
	} {
		t.Run(c.id, func(t *testing.T) {
			res, body := s.get(t, "GET", s.signer.SignURL(c.id, c.name, time.Minute))
			if res.StatusCode != 200 || body != content {
				t.Fatalf("%d %q", res.StatusCode, body)
			}
			h := res.Header
			if h.Get("Content-Type") != c.mimeType || h.Get("X-Content-Type-Options") != "nosniff" || h.Get("X-Injected") != "" ||
				!strings.Contains(h.Get("Content-Security-Policy"), "sandbox") || h.Get("Referrer-Policy") != "no-referrer" {
				t.Errorf("headers: %v", h)
			}
			disposition, params, err := mime.ParseMediaType(h.Get("Content-Disposition"))
			must(t, err)
			clean := strings.NewReplacer("/", "_", "\\", "_", "\r", "_", "\n", "_").Replace(c.name)
			if disposition != c.disposition || params["filename"] != clean {
				t.Errorf("%s, name %q, want %s, %q", disposition, params["filename"], c.disposition, clean)
			}
		})
	}
}

func TestHandlerRangesAndCaches(t *testing.T) {
	s := newSite(t)
	link := s.signer.SignURL("art_csv", "a.csv", time.Minute)
	res, body := s.get(t, "GET", link, "Range", "bytes=2-4")
	if res.StatusCode != 206 || body != "234" || res.Header.Get("Content-Range") != "bytes 2-4/10" {
		t.Errorf("a range: %d %q %v", res.StatusCode, body, res.Header)
	}
	if res, _ := s.get(t, "GET", link, "Range", "bytes=99-"); res.StatusCode != 416 {
		t.Errorf("a range beyond the end: %d", res.StatusCode)
	}
	if res, body := s.get(t, "HEAD", link); res.StatusCode != 200 || body != "" || res.ContentLength != 10 {
		t.Errorf("HEAD: %d %q %d", res.StatusCode, body, res.ContentLength)
	}
	if res, _ := s.get(t, "GET", link, "If-None-Match", res.Header.Get("ETag")); res.StatusCode != 304 {
		t.Errorf("a copy that is still good: %d", res.StatusCode)
	}
	if res, _ := s.get(t, "POST", link); res.StatusCode != 405 || res.Header.Get("Allow") != "GET, HEAD" {
		t.Errorf("POST: %d", res.StatusCode)
	}
}

func TestHandlerRefuses(t *testing.T) {
	s := newSite(t)
	link := s.signer.SignURL("art_png", "plot.png", time.Minute)
	unsigned, _, ok := strings.Cut(link, "&signature")
	if !ok {
		t.Fatalf("a link without a signature: %s", link)
	}
	stranger, err := files.NewSigner(bytes.Repeat([]byte("j"), 32), clock.Func(func() time.Time { return s.now }))
	must(t, err)
	for name, path := range map[string]string{
		"another id":          strings.Replace(link, "art_png", "art_csv", 1),
		"another name":        strings.Replace(link, "plot", "blot", 1),
		"a later expiry":      strings.Replace(link, "expires=18", "expires=19", 1),
		"no expiry":           strings.Replace(link, "expires=", "e=", 1),
		"no signature":        unsigned,
		"an empty signature":  unsigned + "&signature=",
		"half a signature":    link[:len(link)-20],
		"another key":         stranger.SignURL("art_png", "plot.png", time.Minute),
		"letters moved":       strings.Replace(link, "art_png/plot", "art_pn/gplot", 1),
		"nothing":             "/files/",
		"climbing":            "/files/../files/art_png",
		"an id unheard of":    s.signer.SignURL("art_x", "plot.png", time.Minute),
		"a blob that is gone": s.signer.SignURL("art_gone", "plot.png", time.Minute),
	} {
		res, body := s.get(t, "GET", path)
		if res.StatusCode != 404 || strings.TrimSpace(body) != "There is no such file." {
			t.Errorf("%s: %d %q", name, res.StatusCode, body)
		}
	}
	if res, body := s.get(t, "GET", s.signer.SignURL("art_broken", "x", time.Minute)); res.StatusCode != 500 || strings.Contains(body, "database") {
		t.Errorf("a database that is away: %d %q", res.StatusCode, body)
	}
	s.now = s.now.Add(59 * time.Second)
	if res, _ := s.get(t, "GET", link); res.StatusCode != 200 {
		t.Errorf("a second before the end: %d", res.StatusCode)
	}
	s.now = s.now.Add(time.Second)
	if res, body := s.get(t, "GET", link); res.StatusCode != 403 || strings.Contains(body, content) {
		t.Errorf("at the end: %d %q", res.StatusCode, body)
	}
}

func TestNewSignerWantsASecret(t *testing.T) {
	if _, err := files.NewSigner([]byte("short"), clock.System{}); err == nil {
		t.Error("a short secret was taken")
	}
}

// FuzzSign: a link is good for exactly what was signed.
func FuzzSign(f *testing.F) {
	f.Add("art_1", "a b/c?d#e%.png")
	f.Add("", "\x00\xff")
	signer, err := files.NewSigner(make([]byte, 32), clock.System{})
	must(f, err)
	store, _ := open(f)
	f.Fuzz(func(t *testing.T, id, name string) {
		asked := ""
		h := &files.Handler{Store: store, Signer: signer, Logger: slog.New(slog.DiscardHandler), Lookup: func(_ context.Context, id string) (files.Found, error) {
			asked = "id " + id
			return files.Found{}, fault.New(fault.NotFound, "")
		}}
		w := httptest.NewRecorder()
		h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), "GET", signer.SignURL(id, name, time.Hour), nil))
		if asked != "id "+id {
			t.Errorf("looked up %q for %q", asked, id)
		}
	})
}
