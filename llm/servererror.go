package llm

import (
	"encoding/json"
	"strconv"
	"strings"
	"time"
)

// serverError is a failure as a server described it: by an HTTP status, by an
// error object in a body, or by one inside the stream.
type serverError struct {
	status     int // HTTP status; inside a stream the numeric code, or 0
	code, kind string
	param      string
	message    string
	html       bool
	retryAfter time.Duration
}

// Error implements error, for logs.
func (e *serverError) Error() string {
	var b strings.Builder
	b.WriteString("status " + strconv.Itoa(e.status))
	for _, part := range []string{e.kind, e.code, excerpt(e.message, 500)} {
		if part != "" {
			b.WriteString(": ")
			b.WriteString(part)
		}
	}
	if e.html {
		b.WriteString(": a page of HTML")
	}
	return b.String()
}

// parseError reads a server's error body in any of the shapes met so far:
// {"error":{"message","type","code","param"}} with a code that is a string or a
// number, {"error":"…"}, {"message":"…"}, {"detail":"…"} or [{"error":…}], a
// page of HTML, or plain text.
func parseError(status int, body []byte) *serverError {
	e := &serverError{status: status}
	text := strings.TrimSpace(string(body))
	if strings.HasPrefix(text, "<") {
		e.html = true
		return e
	}
	var many []json.RawMessage
	if json.Unmarshal(body, &many) == nil && len(many) > 0 { // Gemini wraps it in a list
		body = many[0]
	}
	var object map[string]json.RawMessage
	if json.Unmarshal(body, &object) != nil {
		e.message = text
		return e
	}
	inner := object
	if raw, ok := object["error"]; ok {
		inner = nil
		if json.Unmarshal(raw, &inner) != nil {
			e.message = plain(raw)
			return e
		}
	}
	e.message = plain(inner["message"])
	if e.message == "" {
		e.message = plain(inner["detail"])
	}
	e.kind, e.code, e.param = plain(inner["type"]), plain(inner["code"]), plain(inner["param"])
	return e
}

// plain is a JSON string's text, or any other value as it is written; null and
// nothing are "".
func plain(raw json.RawMessage) string {
	var s string
	if json.Unmarshal(raw, &s) == nil {
		return s
	}
	if string(raw) == "null" {
		return ""
	}
	return string(raw)
}

// says tells whether any of the parts of the error holds one of the words.
func (e *serverError) says(words ...string) bool {
	all := strings.ToLower(e.code + "\n" + e.kind + "\n" + e.param + "\n" + e.message)
	for _, w := range words {
		if strings.Contains(all, w) {
			return true
		}
	}
	return false
}
