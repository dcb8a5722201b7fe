package store

import (
	"net/url"
	"strings"
)

// redact returns text without the URL and without its password, in any of the
// spellings in which a library could have repeated them.
func redact(text, raw string, u *url.URL) string {
	secrets := []string{raw}
	if password, ok := u.User.Password(); ok {
		secrets = append(secrets, u.User.String(), password, url.QueryEscape(password), url.PathEscape(password))
	}
	if password := u.Query().Get("password"); password != "" {
		secrets = append(secrets, password, url.QueryEscape(password))
	}
	for _, secret := range secrets {
		if secret != "" {
			text = strings.ReplaceAll(text, secret, "***")
		}
	}
	return text
}
