package operation

import (
	"encoding/json"

	"github.com/vektah/gqlparser/v2/gqlerror"
)

// Result is one response of an operation. Errors without Data mean that the
// operation never began ("request error" in the specification).
type Result struct {
	Errors     gqlerror.List
	Data       json.RawMessage // valid until the operation goes on
	Extensions map[string]any

	written []byte // what JSON returns, where it was written already
}

// IsRequestError tells whether the operation never began.
func (r *Result) IsRequestError() bool { return len(r.Data) == 0 }

// Code is extensions.code of the first error, or "".
func (r *Result) Code() string {
	if len(r.Errors) == 0 {
		return ""
	}
	code, _ := r.Errors[0].Extensions["code"].(string)
	return code
}

// JSON is the response as AppendJSON writes it. It stays valid, may be shared
// with other operations and must not be written to.
func (r *Result) JSON() []byte {
	if r.written != nil {
		return r.written
	}
	return r.AppendJSON(nil)
}

// kept returns the response in a form that stays valid and can be shared.
func (r *Result) kept() *Result {
	var k Result
	k.Errors, k.Extensions = r.Errors, r.Extensions
	written, from := r.append(nil)
	k.written = written
	k.Data = written[from : from+len(r.Data)]
	return &k
}

// AppendJSON appends the response as the specification writes it: errors
// first, because people look for them first, and no entry for data when there
// is none. It is written on one line, as server-sent events need it.
func (r *Result) AppendJSON(dst []byte) []byte {
	dst, _ = r.append(dst)
	return dst
}

// append also tells where the data begins.
func (r *Result) append(dst []byte) (written []byte, data int) {
	dst = append(dst, '{')
	if len(r.Errors) > 0 {
		dst = append(dst, `"errors":`...)
		dst = appendValue(dst, r.Errors)
	}
	if len(r.Data) > 0 {
		if len(r.Errors) > 0 {
			dst = append(dst, ',')
		}
		dst = append(dst, `"data":`...)
		data = len(dst)
		dst = appendOneLine(dst, r.Data)
	}
	if len(r.Extensions) > 0 {
		dst = append(dst, `,"extensions":`...)
		dst = appendValue(dst, r.Extensions)
	}
	return append(dst, '}'), data
}

func appendValue(dst []byte, v any) []byte {
	b, err := json.Marshal(v)
	if err != nil { // extensions are ours, of strings and numbers only
		return append(dst, "null"...)
	}
	return append(dst, b...)
}

// appendOneLine copies valid JSON. A line break can only stand between its
// tokens there, where a space means the same.
func appendOneLine(dst, src []byte) []byte {
	start := len(dst)
	dst = append(dst, src...)
	for i, c := range dst[start:] {
		if c == '\n' || c == '\r' {
			dst[start+i] = ' '
		}
	}
	return dst
}
