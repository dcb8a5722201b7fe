package llm

import (
	"strings"
	"time"

	"github.com/mark-analyst/mark/internal/dialogue"
)

// failure is what went wrong in one attempt, before it is told to the caller.
type failure struct {
	code    dialogue.Code
	message string // for a person; made here of the host, the model and a status
	retry   retryClass
	visible bool
	// retryAfter is the server's wish, 0 where it had none.
	retryAfter time.Duration
	// detail is for logs; it may quote the server and is scrubbed of secrets
	// before anybody sees it.
	detail string
	// own is an error of the caller's (of its context, of emit) or errNoTools,
	// which keeps its identity for errors.Is.
	own error
	// rejected is the server's answer where it refused the request itself.
	rejected *serverError
}

// retryClass says whether sending the request again may help.
type retryClass int

const (
	retryNever retryClass = iota
	// retryOnce is for what costs minutes to find out: a second wait is fair,
	// a fourth is not.
	retryOnce
	retryMore
)

// public makes the error that callers see: no secret in it, whatever the
// server quoted.
func (f *failure) public(secrets []string) *dialogue.Error {
	e := &dialogue.Error{
		Code:       f.code,
		Message:    f.message,
		Visible:    f.visible,
		RetryAfter: f.retryAfter,
	}
	if f.detail != "" || f.own != nil {
		e.Err = &cause{text: scrub(f.detail, secrets), own: f.own}
	}
	return e
}

// cause is the part of an error that is for logs. It does not wrap what the
// HTTP client returned: such errors print addresses and headers.
type cause struct {
	text string
	own  error
}

func (c *cause) Error() string {
	switch {
	case c.own == nil:
		return c.text
	case c.text == "":
		return c.own.Error()
	}
	return c.text + ": " + c.own.Error()
}

func (c *cause) Unwrap() error { return c.own }

// secrets are the strings that no error may hold.
func (c *Endpoint) secrets() []string {
	var out []string
	add := func(s string) {
		if s != "" {
			out = append(out, s)
		}
	}
	add(c.cfg.APIKey)
	if c.user != nil {
		password, _ := c.user.Password()
		add(password)
		add(c.user.Username())
	}
	for _, values := range c.query { // some gateways take the key there
		for _, v := range values {
			add(v)
		}
	}
	return out
}

func scrub(s string, secrets []string) string {
	for _, secret := range secrets {
		s = strings.ReplaceAll(s, secret, "[redacted]")
	}
	return s
}

// excerpt makes text from a server fit for a log line or a sentence: one line,
// printable, at most limit runes.
func excerpt(s string, limit int) string {
	var b strings.Builder
	n, space := 0, false
	for _, r := range s {
		if r <= ' ' || r == 0x7f || (r >= 0x80 && r < 0xa0) || r == 0x2028 || r == 0x2029 {
			space = n > 0
			continue
		}
		if n >= limit {
			b.WriteString("…")
			break
		}
		if space {
			b.WriteByte(' ')
			n++
			space = false
		}
		b.WriteRune(r)
		n++
	}
	return b.String()
}
