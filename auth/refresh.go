package auth

import (
	"crypto/hmac"
	"crypto/rand"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/mark-analyst/mark/internal/ids"
)

const (
	nonceSize = 16 // bytes that nobody can guess
	proofSize = 16 // bytes that prove that Mark made the token
)

// refreshToken is a session's id, a generation and a secret, as
// "ses_….7.c2VjcmV0…". The secret's first half is random and its second an HMAC
// of everything before: an old token can so be told from a made-up one, though
// of the hashes only the newest is stored. Only the owner of an old token, or a
// thief, can show one, and then the session ends; with a made-up one nobody can
// end somebody else's.
type refreshToken struct {
	sessionID  string
	generation int
	secret     [nonceSize + proofSize]byte
}

func (k *Keys) newRefreshToken(sessionID string, generation int) refreshToken {
	t := refreshToken{sessionID: sessionID, generation: generation}
	rand.Read(t.secret[:nonceSize]) // documented never to fail
	copy(t.secret[nonceSize:], t.proof(k.signing()))
	return t
}

func (t refreshToken) proof(k key) []byte {
	return mac(k.refresh, fmt.Sprintf("%s.%d.%x", t.sessionID, t.generation, t.secret[:nonceSize]))[:proofSize]
}

// genuine tells whether Mark made the token, with any of the keys.
func (k *Keys) genuine(t refreshToken) bool {
	for _, key := range k.all {
		if hmac.Equal(t.secret[nonceSize:], t.proof(key)) {
			return true
		}
	}
	return false
}

// String is what the client gets.
func (t refreshToken) String() string {
	return fmt.Sprintf("%s.%d.%s", t.sessionID, t.generation, base64.RawURLEncoding.EncodeToString(t.secret[:]))
}

// hash is what is stored. The secret is random, so it needs no salt and no
// slow hash.
func (t refreshToken) hash() string {
	sum := sha256.Sum256(t.secret[:])
	return hex.EncodeToString(sum[:])
}

var errNoRefreshToken = errors.New("not a refresh token")

// parseRefreshToken reads what String has written, and nothing else: each
// token has one spelling.
func parseRefreshToken(s string) (refreshToken, error) {
	if len(s) > 200 {
		return refreshToken{}, errNoRefreshToken
	}
	parts := strings.Split(s, ".")
	if len(parts) != 3 || !ids.Valid(ids.Session, parts[0]) {
		return refreshToken{}, errNoRefreshToken
	}
	generation, err := strconv.ParseInt(parts[1], 10, 32)
	if err != nil || generation < 1 {
		return refreshToken{}, errNoRefreshToken
	}
	secret, err := base64.RawURLEncoding.DecodeString(parts[2])
	t := refreshToken{sessionID: parts[0], generation: int(generation)}
	if err != nil || copy(t.secret[:], secret) != len(secret) || len(secret) != len(t.secret) || t.String() != s {
		return refreshToken{}, errNoRefreshToken
	}
	return t, nil
}
