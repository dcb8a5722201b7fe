package files

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/base64"
	"errors"
	"fmt"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/mark-analyst/mark/internal/clock"
)

// Prefix is where the links lead: the address under which Handler is mounted.
const Prefix = "/files/"

var (
	errForged  = errors.New("files: the link is not ours")
	errExpired = errors.New("files: the link has expired")
)

// Signer makes links that whoever has them may follow until they expire.
type Signer struct {
	key   []byte
	clock clock.Clock
}

// NewSigner returns a Signer with a key derived from a secret for this purpose
// alone, so the secret may serve others too.
func NewSigner(secret []byte, c clock.Clock) (*Signer, error) {
	if len(secret) < secretBytes {
		return nil, fmt.Errorf("files: the secret has %d bytes, and needs %d", len(secret), secretBytes)
	}
	key, err := hkdf.Key(sha256.New, secret, nil, "mark: signed download links, 1", sha256.Size)
	if err != nil {
		return nil, fmt.Errorf("files: derive the key: %w", err)
	}
	return &Signer{key: key, clock: c}, nil
}

// SignURL returns a link, without scheme and host, to the file that Handler's
// lookup finds by id. Name is what a browser saves it as. The link works for
// lifetime, counted in whole seconds.
func (s *Signer) SignURL(id, name string, lifetime time.Duration) string {
	expires := strconv.FormatInt(s.clock.Now().Add(lifetime).Unix(), 10)
	query := url.Values{"expires": {expires}, "signature": {s.signature(id, name, expires)}}
	return Prefix + url.PathEscape(id) + "/" + url.PathEscape(name) + "?" + query.Encode()
}

// signature covers all parts of a link, each preceded by its length so that
// none can lend letters to the next.
func (s *Signer) signature(parts ...string) string {
	mac := hmac.New(sha256.New, s.key)
	for _, p := range parts {
		fmt.Fprintf(mac, "%d:%s", len(p), p)
	}
	return base64.RawURLEncoding.EncodeToString(mac.Sum(nil))
}

// verify returns what a link says, if it is one of SignURL's and still good.
func (s *Signer) verify(u *url.URL) (id, name string, err error) {
	rawID, rawName, ok := strings.Cut(strings.TrimPrefix(u.EscapedPath(), Prefix), "/")
	id, idErr := url.PathUnescape(rawID)
	name, nameErr := url.PathUnescape(rawName)
	query := u.Query()
	expires := query.Get("expires")
	want := s.signature(id, name, expires)
	if !ok || idErr != nil || nameErr != nil || !hmac.Equal([]byte(query.Get("signature")), []byte(want)) {
		return "", "", errForged
	}
	// The signature holds, so the number is one that SignURL wrote.
	if at, err := strconv.ParseInt(expires, 10, 64); err != nil || s.clock.Now().Unix() >= at {
		return "", "", errExpired
	}
	return id, name, nil
}
