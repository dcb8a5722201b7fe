package web

import (
	"bytes"
	"compress/gzip"
	"encoding/json"
	"html"
	"io"
	"net/http"
	"net/http/httptest"
	"regexp"
	"strings"
	"testing"
	"testing/fstest"
)

const script = "console.log('the playground')"

func packed(t *testing.T, text string) []byte {
	t.Helper()
	var buffer bytes.Buffer
	writer := gzip.NewWriter(&buffer)
	if _, err := io.WriteString(writer, text); err != nil {
		t.Fatal(err)
	}
	if err := writer.Close(); err != nil {
		t.Fatal(err)
	}
	return buffer.Bytes()
}

func builtFiles(t *testing.T) fstest.MapFS {
	t.Helper()
	return fstest.MapFS{
		"index.html":          {Data: []byte(`<html><meta name="mark-config" content="{}" /></html>`)},
		"assets/main-1.js.gz": {Data: packed(t, script)},
		"assets/font-1.ttf":   {Data: []byte("font")},
	}
}

func get(t *testing.T, handler http.Handler, target string, header ...string) *http.Response {
	t.Helper()
	request := httptest.NewRequest(http.MethodGet, target, nil)
	for i := 0; i < len(header); i += 2 {
		request.Header.Set(header[i], header[i+1])
	}
	recorder := httptest.NewRecorder()
	handler.ServeHTTP(recorder, request)
	return recorder.Result()
}

func body(t *testing.T, response *http.Response) string {
	t.Helper()
	content, err := io.ReadAll(response.Body)
	if err != nil {
		t.Fatal(err)
	}
	return string(content)
}

func TestIndexCarriesTheConfiguration(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		config         PlaygroundConfig
		path           string
		endpoint, live string
	}{
		"as it comes":      {PlaygroundConfig{}, "/graphiql/", "/graphql", "/graphql"},
		"somewhere else":   {PlaygroundConfig{Path: "/api/try", Endpoint: "/api/graphql"}, "/api/try/", "/api/graphql", "/api/graphql"},
		"with a live path": {PlaygroundConfig{Subscriptions: "/live"}, "/graphiql/", "/graphql", "/live"},
		"no breaking out":  {PlaygroundConfig{Endpoint: `/"><script>x</script>`}, "/graphiql/", `/"><script>x</script>`, `/"><script>x</script>`},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			response := get(t, newPlayground(test.config, builtFiles(t)), test.path)
			page := body(t, response)
			content := regexp.MustCompile(`name="mark-config" content="([^"]*)"`).FindStringSubmatch(page)
			if response.StatusCode != http.StatusOK || content == nil {
				t.Fatalf("status %d, page %q", response.StatusCode, page)
			}
			var got map[string]string
			if err := json.Unmarshal([]byte(html.UnescapeString(content[1])), &got); err != nil {
				t.Fatal(err)
			}
			if got["endpoint"] != test.endpoint || got["subscriptions"] != test.live {
				t.Errorf("configuration %v, want %q and %q", got, test.endpoint, test.live)
			}
			if strings.Contains(page, "<script>x") {
				t.Error("the configuration broke out of its attribute")
			}
		})
	}
}

func TestIndexIsAskedForAgainCheaply(t *testing.T) {
	t.Parallel()
	handler := newPlayground(PlaygroundConfig{}, builtFiles(t))
	first := get(t, handler, "/graphiql/")
	etag := first.Header.Get("ETag")
	if etag == "" || first.Header.Get("Cache-Control") != "no-cache" {
		t.Fatalf("ETag %q, Cache-Control %q", etag, first.Header.Get("Cache-Control"))
	}
	for header, want := range map[string]int{
		etag:               http.StatusNotModified,
		"W/" + etag:        http.StatusNotModified,
		`"other", ` + etag: http.StatusNotModified,
		"*":                http.StatusNotModified,
		`"other"`:          http.StatusOK,
	} {
		if got := get(t, handler, "/graphiql/", "If-None-Match", header).StatusCode; got != want {
			t.Errorf("If-None-Match %s: status %d, want %d", header, got, want)
		}
	}
	other := get(t, newPlayground(PlaygroundConfig{Endpoint: "/other"}, builtFiles(t)), "/graphiql/")
	if other.Header.Get("ETag") == etag {
		t.Error("another configuration has the same ETag")
	}
}

func TestAssets(t *testing.T) {
	t.Parallel()
	handler := newPlayground(PlaygroundConfig{}, builtFiles(t))
	for name, test := range map[string]struct {
		path, accept   string
		status         int
		encoding, kind string
		body           string
	}{
		"packed":          {"assets/main-1.js", "br, gzip;q=0.8", 200, "gzip", "text/javascript; charset=utf-8", string(packed(t, script))},
		"any coding":      {"assets/main-1.js", "*", 200, "gzip", "text/javascript; charset=utf-8", string(packed(t, script))},
		"unpacked":        {"assets/main-1.js", "", 200, "", "text/javascript; charset=utf-8", script},
		"gzip refused":    {"assets/main-1.js", "*, gzip;q=0", 200, "", "text/javascript; charset=utf-8", script},
		"a bad weight":    {"assets/main-1.js", "gzip;q=x", 200, "", "text/javascript; charset=utf-8", script},
		"as it is":        {"assets/font-1.ttf", "gzip", 200, "", "font/ttf", "font"},
		"not there":       {"assets/none.js", "gzip", 404, "", "", ""},
		"not as an asset": {"assets/main-1.js.gz", "gzip", 404, "", "", ""},
		"not the index":   {"index.html", "gzip", 404, "", "", ""},
		"no way out":      {"assets/../../doc.go", "gzip", 404, "", "", ""},
		"not a folder":    {"assets/", "gzip", 404, "", "", ""},
		"not beside it":   {"../graphiqlx", "gzip", 404, "", "", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			response := get(t, handler, "/graphiql/"+test.path, "Accept-Encoding", test.accept)
			if response.StatusCode != test.status {
				t.Fatalf("status %d, want %d", response.StatusCode, test.status)
			}
			if test.status != http.StatusOK {
				return
			}
			header := response.Header
			if got := header.Get("Content-Encoding"); got != test.encoding {
				t.Errorf("Content-Encoding %q, want %q", got, test.encoding)
			}
			if got := header.Get("Content-Type"); got != test.kind {
				t.Errorf("Content-Type %q, want %q", got, test.kind)
			}
			if got := header.Get("Cache-Control"); got != forever {
				t.Errorf("Cache-Control %q, want %q", got, forever)
			}
			if got := body(t, response); got != test.body {
				t.Errorf("body %q, want %q", got, test.body)
			}
		})
	}
}

func TestEveryReplyIsLockedDown(t *testing.T) {
	t.Parallel()
	handler := newPlayground(PlaygroundConfig{}, builtFiles(t))
	for _, target := range []string{"/graphiql", "/graphiql/", "/graphiql/assets/main-1.js", "/graphiql/none"} {
		header := get(t, handler, target).Header
		policy := header.Get("Content-Security-Policy")
		for _, part := range []string{"default-src 'none'", "script-src 'self';", "connect-src 'self'", "frame-ancestors 'none'"} {
			if !strings.Contains(policy, part) {
				t.Errorf("%s: policy %q lacks %q", target, policy, part)
			}
		}
		if header.Get("X-Content-Type-Options") != "nosniff" {
			t.Errorf("%s: no nosniff", target)
		}
	}
}

func TestRedirectsToTheFolder(t *testing.T) {
	t.Parallel()
	server := httptest.NewServer(newPlayground(PlaygroundConfig{}, builtFiles(t)))
	t.Cleanup(server.Close)
	response, err := server.Client().Get(server.URL + "/graphiql?query=x")
	if err != nil {
		t.Fatal(err)
	}
	defer response.Body.Close()
	if got := response.Request.URL.RequestURI(); got != "/graphiql/?query=x" {
		t.Errorf("ended at %s, want /graphiql/?query=x", got)
	}
}

func TestMethods(t *testing.T) {
	t.Parallel()
	handler := newPlayground(PlaygroundConfig{}, builtFiles(t))
	for method, want := range map[string]int{http.MethodHead: http.StatusOK, http.MethodPost: http.StatusMethodNotAllowed} {
		recorder := httptest.NewRecorder()
		handler.ServeHTTP(recorder, httptest.NewRequest(method, "/graphiql/", nil))
		if recorder.Code != want {
			t.Errorf("%s: status %d, want %d", method, recorder.Code, want)
		}
		if method == http.MethodHead && recorder.Body.Len() > 0 {
			t.Error("HEAD has a body")
		}
	}
}

func TestNotBuilt(t *testing.T) {
	t.Parallel()
	response := get(t, newPlayground(PlaygroundConfig{}, fstest.MapFS{}), "/graphiql/")
	if page := body(t, response); response.StatusCode != http.StatusServiceUnavailable || !strings.Contains(page, "make assets") {
		t.Errorf("status %d, page %q; want 503 and what to do", response.StatusCode, page)
	}
}
