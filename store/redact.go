package store

import (
	"net/url"
	"strings"
)

// redact returns text without the URL and without its password, in any of the
// spellings in which a library could have repeated them.
func redact(text, raw string, u *url.URL) string {
	secrets := []string{raw}
	if u != nil {
		if password, ok := u.User.Password(); ok {
			secrets = append(secrets, u.User.String(), password, url.QueryEscape(password), url.PathEscape(password))
		}
		if password := u.Query().Get("password"); password != "" {
			secrets = append(secrets, password, url.QueryEscape(password))
		}
	} else {
		secrets = append(secrets, userinfo(raw))
	}
	for _, secret := range secrets {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "***")
		}
	}
	return text
}

// userinfo returns what stands between the scheme and the last @ of a URL that
// does not parse.
func userinfo(raw string) string {
	_, rest, _ := strings.Cut(raw, "://")
	if i := strings.LastIndexByte(rest, '@'); i >= 0 {
		return rest[:i]
	}
	return ""
}
