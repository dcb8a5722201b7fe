package web

import (
	"bytes"
	"compress/gzip"
	"errors"
	"io"
	"io/fs"
	"net/http"
	"path"
	"strconv"
	"strings"
)

// forever is for files whose names change with their content.
const forever = "public, max-age=31536000, immutable"

// contentTypes of what the build makes. The machine's own table is not asked:
// it may say anything, and nosniff holds the browser to it.
var contentTypes = map[string]string{
	".css":   "text/css; charset=utf-8",
	".js":    "text/javascript; charset=utf-8",
	".svg":   "image/svg+xml",
	".ttf":   "font/ttf",
	".woff2": "font/woff2",
}

// serveAsset answers with a file of a built page. Files whose content
// compresses are there as gzip only, and are unpacked for clients that do not
// take it. It reports false, and answers nothing, where there is no such file.
func serveAsset(w http.ResponseWriter, r *http.Request, files fs.FS, name string) bool {
	contentType, known := contentTypes[path.Ext(name)]
	if !known || !fs.ValidPath(name) {
		return false
	}
	header := w.Header()
	if content, err := fs.ReadFile(files, name); err == nil {
		header.Set("Content-Type", contentType)
		header.Set("Cache-Control", forever)
		send(w, r, content)
		return true
	}
	packed, err := fs.ReadFile(files, name+".gz")
	if err != nil {
		return false
	}
	header.Set("Content-Type", contentType)
	header.Set("Cache-Control", forever)
	header.Set("Vary", "Accept-Encoding")
	if acceptsGzip(r.Header.Get("Accept-Encoding")) {
		header.Set("Content-Encoding", "gzip")
		send(w, r, packed)
		return true
	}
	content, err := unpack(packed)
	if err != nil {
		http.Error(w, "The file cannot be unpacked; run make assets.", http.StatusInternalServerError)
		return true
	}
	send(w, r, content)
	return true
}

func send(w http.ResponseWriter, r *http.Request, content []byte) {
	w.Header().Set("Content-Length", strconv.Itoa(len(content)))
	if r.Method == http.MethodHead {
		return
	}
	w.Write(content) //nolint:errcheck // the client is gone
}

func unpack(packed []byte) ([]byte, error) {
	reader, err := gzip.NewReader(bytes.NewReader(packed))
	if err != nil {
		return nil, err
	}
	content, err := io.ReadAll(reader)
	return content, errors.Join(err, reader.Close())
}

// acceptsGzip reads an Accept-Encoding header (RFC 9110, section 12.5.3).
func acceptsGzip(header string) bool {
	any := false
	for choice := range strings.SplitSeq(header, ",") {
		coding, parameters, _ := strings.Cut(choice, ";")
		switch strings.ToLower(strings.TrimSpace(coding)) {
		case "gzip", "x-gzip":
			return weight(parameters) > 0
		case "*":
			any = weight(parameters) > 0
		}
	}
	return any
}

// weight is the q of a choice: 1 unless told, 0 where it cannot be read.
func weight(parameters string) float64 {
	name, value, found := strings.Cut(strings.TrimSpace(parameters), "=")
	if !found || !strings.EqualFold(strings.TrimSpace(name), "q") {
		return 1
	}
	q, err := strconv.ParseFloat(strings.TrimSpace(value), 64)
	if err != nil {
		return 0
	}
	return q
}
