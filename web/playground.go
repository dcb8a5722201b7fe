package web

import (
	"bytes"
	"crypto/sha256"
	"encoding/base64"
	"encoding/json"
	"fmt"
	"html"
	"io/fs"
	"net/http"
	"slices"
	"strings"
)

// PlaygroundConfig says where things are; every path begins with a slash.
type PlaygroundConfig struct {
	Path          string // where the playground is mounted; "" means "/graphiql"
	Endpoint      string // GraphQL over HTTP; "" means "/graphql"
	Subscriptions string // GraphQL over WebSocket; "" means the same as Endpoint
}

// playgroundPolicy is the Content-Security-Policy of the page and all that
// belongs to it: nothing from anywhere else, no inline script, no eval. Inline
// styles are let in because Monaco and Plotly write style elements, fonts in
// data: addresses because GraphiQL's stylesheet holds its own that way.
const playgroundPolicy = "default-src 'none'; script-src 'self'; style-src 'self' 'unsafe-inline'; " +
	"img-src 'self' data: blob:; font-src 'self' data:; connect-src 'self'; worker-src 'self'; " +
	"base-uri 'none'; form-action 'none'; frame-ancestors 'none'"

// configPlaceholder is what index.html has in the place of the configuration.
const configPlaceholder = `name="mark-config" content="{}"`

// Playground serves GraphiQL, which opens on a tour of the API and needs
// nothing from the network but this server. Mount it on Path and on everything
// below. It answers GET and HEAD.
func Playground(config PlaygroundConfig) http.Handler {
	return newPlayground(config, built("playground"))
}

type playground struct {
	path  string
	files fs.FS
	index []byte // nil where the page is not built
	etag  string
}

func newPlayground(config PlaygroundConfig, files fs.FS) *playground {
	p := &playground{path: strings.TrimRight(orDefault(config.Path, "/graphiql"), "/"), files: files}
	endpoint := orDefault(config.Endpoint, "/graphql")
	index, err := fs.ReadFile(files, "index.html")
	if err != nil {
		return p
	}
	settings, err := json.Marshal(map[string]string{
		"endpoint":      endpoint,
		"subscriptions": orDefault(config.Subscriptions, endpoint),
	})
	if err != nil {
		panic(err) // a map of strings can always be marshalled
	}
	p.index = bytes.Replace(index, []byte(configPlaceholder),
		fmt.Appendf(nil, `name="mark-config" content="%s"`, html.EscapeString(string(settings))), 1)
	sum := sha256.Sum256(p.index)
	p.etag = `"` + base64.RawURLEncoding.EncodeToString(sum[:12]) + `"`
	return p
}

func orDefault(value, otherwise string) string {
	if value == "" {
		return otherwise
	}
	return value
}

func (p *playground) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Content-Security-Policy", playgroundPolicy)
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Referrer-Policy", "same-origin")
	header.Set("Cross-Origin-Opener-Policy", "same-origin")
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		header.Set("Allow", "GET, HEAD")
		http.Error(w, "The playground is a page to be read.", http.StatusMethodNotAllowed)
		return
	}
	name, below := strings.CutPrefix(r.URL.Path, p.path+"/")
	switch {
	case r.URL.Path == p.path:
		// Relative, so that it holds behind a proxy that adds a prefix; the
		// query stays, for links to one document.
		target := p.path[strings.LastIndex(p.path, "/")+1:] + "/"
		if r.URL.RawQuery != "" {
			target += "?" + r.URL.RawQuery
		}
		header.Set("Location", "./"+target)
		w.WriteHeader(http.StatusMovedPermanently)
	case below && name == "":
		p.serveIndex(w, r)
	case below && serveAsset(w, r, p.files, name):
	default:
		http.NotFound(w, r)
	}
}

func (p *playground) serveIndex(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("Content-Type", "text/html; charset=utf-8")
	header.Set("Cache-Control", "no-cache") // ask again each time; the ETag makes it cheap
	if p.index == nil {
		w.WriteHeader(http.StatusServiceUnavailable)
		fmt.Fprint(w, notBuilt)
		return
	}
	header.Set("ETag", p.etag)
	if matches(r.Header.Get("If-None-Match"), p.etag) {
		w.WriteHeader(http.StatusNotModified)
		return
	}
	send(w, r, p.index)
}

// matches reads an If-None-Match header (RFC 9110, section 13.1.2).
func matches(header, etag string) bool {
	choices := strings.Split(header, ",")
	return slices.ContainsFunc(choices, func(choice string) bool {
		choice = strings.TrimPrefix(strings.TrimSpace(choice), "W/")
		return choice == "*" || choice == etag
	})
}

const notBuilt = `<!doctype html>
<html lang="en"><meta charset="utf-8"><title>Mark · GraphiQL</title>
<body style="font: 16px/1.6 system-ui, sans-serif; max-width: 40em; margin: 15vh auto; padding: 0 1em">
<h1>The playground is not built</h1>
<p>This binary was compiled without its pages. Run <code>make assets</code> (it needs Node.js), then build Mark again.</p>
<p>The API itself works: send requests to <code>/graphql</code>.</p>
`
