package files

import (
	"context"
	"errors"
	"io"
	"log/slog"
	"mime"
	"net/http"
	"strings"
	"time"
	"unicode"

	"github.com/mark-analyst/mark/internal/fault"
)

// writeTime is how long a client may take to accept the next piece of a file
// (32 KiB and what the kernel buffers) before it is cut off.
const writeTime = 30 * time.Second

// Found is what a link's id stands for.
type Found struct {
	Key      string // in the Store
	MIMEType string // by content
}

// Lookup finds what an id stands for: a fault NOT_FOUND where there is nothing.
// It is not asked about permission: the link is the permission.
type Lookup func(ctx context.Context, id string) (Found, error)

// Handler serves signed links. What it serves comes from people and from
// Python, so no browser is to run any of it: everything is a download, but PNG,
// which may be shown.
type Handler struct {
	Store  *Store
	Signer *Signer
	Lookup Lookup
	Logger *slog.Logger
}

// ServeHTTP implements http.Handler. A link that was tampered with, or to
// nothing, is 404, one that has expired 403.
func (h *Handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	header := w.Header()
	header.Set("X-Content-Type-Options", "nosniff")
	header.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'; sandbox")
	header.Set("Referrer-Policy", "no-referrer") // the address is the permission
	if r.Method != http.MethodGet && r.Method != http.MethodHead {
		header.Set("Allow", "GET, HEAD")
		http.Error(w, "Only GET and HEAD work here.", http.StatusMethodNotAllowed)
		return
	}
	id, name, err := h.Signer.verify(r.URL)
	if errors.Is(err, errExpired) {
		http.Error(w, "This link has expired.", http.StatusForbidden)
		return
	}
	if err != nil {
		notFound(w)
		return
	}
	if err := h.serve(w, r, id, name); err != nil {
		if fault.Is(err, fault.NotFound) || errors.Is(err, ErrNotFound) {
			notFound(w)
			return
		}
		h.Logger.ErrorContext(r.Context(), "serving a file failed", "id", id, "error", err)
		http.Error(w, "The file cannot be read now.", http.StatusInternalServerError)
	}
}

func notFound(w http.ResponseWriter) { http.Error(w, "There is no such file.", http.StatusNotFound) }

// serve writes nothing when it returns an error.
func (h *Handler) serve(w http.ResponseWriter, r *http.Request, id, name string) error {
	found, err := h.Lookup(r.Context(), id)
	if err != nil {
		return err
	}
	content, err := h.Store.Open(r.Context(), found.Key)
	if err != nil {
		return err
	}
	defer content.Close()
	disposition := "attachment"
	mimeType := found.MIMEType
	if _, _, err := mime.ParseMediaType(mimeType); err != nil {
		mimeType = "application/octet-stream"
	}
	if mimeType == "image/png" {
		disposition = "inline"
	}
	header := w.Header()
	header.Set("Content-Type", mimeType)
	header.Set("Content-Disposition", contentDisposition(disposition, name))
	header.Set("Cache-Control", "private, max-age=300")
	// A blob never changes, so its key is as good as a hash of it.
	header.Set("ETag", `"`+strings.ReplaceAll(found.Key, "/", ".")+`"`)
	http.ServeContent(patient{w, http.NewResponseController(w)}, r, "", content.ModTime(), content)
	return nil
}

// patient gives each write its own time, so that a big file may take long and a
// client that stopped reading may not.
type patient struct {
	http.ResponseWriter
	control *http.ResponseController
}

// Write implements io.Writer.
func (p patient) Write(b []byte) (int, error) {
	// A writer without deadlines, as in some tests, just has none.
	if err := p.control.SetWriteDeadline(time.Now().Add(writeTime)); err != nil && !errors.Is(err, http.ErrNotSupported) {
		return 0, err
	}
	return p.ResponseWriter.Write(b)
}

var _ io.Writer = patient{}

// contentDisposition builds the header of RFC 6266: the name in ASCII for old
// clients, and whole, in the encoding of RFC 8187, for the others.
func contentDisposition(disposition, name string) string {
	plain := strings.Map(func(r rune) rune {
		// A percent sign is decoded by some clients, a quote ends the string.
		if r < ' ' || r >= 0x7f || strings.ContainsRune(`"\%/`, r) {
			return '_'
		}
		return r
	}, name)
	var whole strings.Builder
	for _, r := range name {
		if unicode.IsControl(r) || r == '/' || r == '\\' {
			r = '_'
		}
		for _, b := range []byte(string(r)) {
			if attrChar(b) {
				whole.WriteByte(b)
			} else {
				const hex = "0123456789ABCDEF"
				whole.Write([]byte{'%', hex[b>>4], hex[b&15]})
			}
		}
	}
	return disposition + `; filename="` + plain + `"; filename*=UTF-8''` + whole.String()
}

// attrChar is attr-char of RFC 8187, section 3.2.1.
func attrChar(b byte) bool {
	return b >= 'a' && b <= 'z' || b >= 'A' && b <= 'Z' || b >= '0' && b <= '9' || strings.IndexByte("!#$&+-.^_`|~", b) >= 0
}
