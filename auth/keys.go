package auth

import (
	"crypto/hkdf"
	"crypto/hmac"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
)

// minSecret is the least length of a secret in bytes: as long as the output of
// the HMAC that it is the key of (RFC 7518, 3.2).
const minSecret = 32

// Keys sign tokens and check their signatures. The first key signs; the others
// are earlier ones, whose tokens are still good until they expire.
type Keys struct {
	all []key
}

// key is what is derived from one secret.
type key struct {
	id      string // the kid of access tokens: says which key, and nothing about it
	access  []byte
	refresh []byte
}

// NewKeys makes keys of secrets of at least 32 bytes each, the newest first.
func NewKeys(secrets ...[]byte) (*Keys, error) {
	if len(secrets) == 0 {
		return nil, fmt.Errorf("auth: no secret to sign tokens with")
	}
	k := &Keys{}
	for _, secret := range secrets {
		if len(secret) < minSecret {
			return nil, fmt.Errorf("auth: the secret that signs tokens has %d bytes; at least %d are needed", len(secret), minSecret)
		}
		made := key{}
		for purpose, into := range map[string]*[]byte{"mark access token": &made.access, "mark refresh token": &made.refresh} {
			derived, err := hkdf.Key(sha256.New, secret, nil, purpose, sha256.Size)
			if err != nil {
				return nil, fmt.Errorf("auth: derive a key: %w", err)
			}
			*into = derived
		}
		made.id = hex.EncodeToString(mac(made.access, "key id"))[:16]
		k.all = append(k.all, made)
	}
	return k, nil
}

// signing is the key of new tokens.
func (k *Keys) signing() key { return k.all[0] }

// byID finds the key of an access token.
func (k *Keys) byID(id string) (key, bool) {
	for _, key := range k.all {
		if key.id == id {
			return key, true
		}
	}
	return key{}, false
}

// mac is the HMAC-SHA256 of a text.
func mac(key []byte, text string) []byte {
	h := hmac.New(sha256.New, key)
	h.Write([]byte(text)) // never fails
	return h.Sum(nil)
}
