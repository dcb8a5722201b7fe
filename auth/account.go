package auth

import (
	"net/mail"
	"strings"
	"unicode"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/mark-analyst/mark/internal/fault"
	"github.com/mark-analyst/mark/internal/untrusted"
)

// Lengths of what a person types, in characters.
const (
	minPassword = 8   // NIST SP 800-63B, 5.1.1.2, for a password that a person chose
	maxPassword = 256 // it asks for 64 at least; this bounds the work of hashing
	maxName     = 200
	maxEmail    = 254 // bytes: RFC 5321, 4.5.3.1.3, without the angle brackets
)

// normalEmail returns an address in the spelling that accounts are found by:
// trimmed, lower case. It takes what goes into a mail client's To field for one
// person without a name. That the mailbox exists is not checked.
func normalEmail(s string) (string, error) {
	refuse := func(text string) (string, error) {
		return "", fault.New(fault.BadUserInput, "%s", text).OnField("email")
	}
	valid := utf8.ValidString(s)
	s = strings.ToLower(norm.NFC.String(strings.TrimSpace(s)))
	switch {
	case s == "":
		return refuse("An email address is needed.")
	case len(s) > maxEmail:
		return refuse("The email address is too long.")
	case !valid, untrusted.Clean(s) != s, strings.ContainsFunc(s, func(r rune) bool { return unicode.IsControl(r) || unicode.IsSpace(r) }):
		return refuse("The email address holds characters that none can have.")
	}
	// A parsed address that is spelt otherwise had a name, a comment, or quotes.
	a, err := mail.ParseAddress(s)
	if err != nil || a.Name != "" || a.Address != s {
		return refuse("This is not an email address.")
	}
	if domain := s[strings.LastIndexByte(s, '@')+1:]; strings.HasPrefix(domain, "[") {
		return refuse("The email address needs a domain's name behind the @.")
	}
	return s, nil
}

// normalPassword checks a new password and returns it in the form that is
// hashed: the same text typed on another keyboard may come composed otherwise
// (NIST SP 800-63B asks for NFKC or NFKD).
func normalPassword(s string) (string, error) {
	refuse := func(format string, args ...any) (string, error) {
		return "", fault.New(fault.BadUserInput, format, args...).OnField("password")
	}
	if !utf8.ValidString(s) || strings.ContainsFunc(s, unicode.IsControl) {
		return refuse("The password holds characters that cannot be typed.")
	}
	switch n := utf8.RuneCountInString(s); {
	case n < minPassword:
		return refuse("The password is too short: %d characters are the least.", minPassword)
	case n > maxPassword:
		return refuse("The password is too long: %d characters are the most.", maxPassword)
	}
	return norm.NFKC.String(s), nil
}

// normalName trims what a person wants to be called.
func normalName(s string) (string, error) {
	s = norm.NFC.String(strings.TrimSpace(s))
	switch {
	case utf8.RuneCountInString(s) > maxName:
		return "", fault.New(fault.BadUserInput, "The name is too long: %d characters are the most.", maxName).OnField("name")
	case !utf8.ValidString(s), untrusted.Clean(s) != s, strings.ContainsFunc(s, unicode.IsControl):
		return "", fault.New(fault.BadUserInput, "The name holds characters that cannot be shown.").OnField("name")
	}
	return s, nil
}
