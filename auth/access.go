package auth

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/golang-jwt/jwt/v5"

	"github.com/mark-analyst/mark/internal/clock"
	"github.com/mark-analyst/mark/internal/ids"
)

const (
	issuer   = "mark"
	audience = "mark-api"
	// accessTime is how long an access token is good.
	accessTime = 15 * time.Minute
	// leeway is by how much the clocks of two nodes may differ.
	leeway = 5 * time.Second
	// maxAccessToken is the longest token that is looked at, in bytes. Mark's
	// own have about 400.
	maxAccessToken = 2048
)

// claims are what an access token says.
type claims struct {
	jwt.RegisteredClaims
	SessionID string `json:"sid"`
}

// accessTokens makes and reads the JWTs (RFC 7519) of Authorization headers,
// by the rules of RFC 8725: one algorithm, all claims required and checked.
type accessTokens struct {
	keys   *Keys
	clock  clock.Clock
	parser *jwt.Parser
}

func newAccessTokens(k *Keys, c clock.Clock) *accessTokens {
	return &accessTokens{keys: k, clock: c, parser: jwt.NewParser(
		jwt.WithValidMethods([]string{jwt.SigningMethodHS256.Alg()}),
		jwt.WithIssuer(issuer), jwt.WithAudience(audience),
		jwt.WithExpirationRequired(), jwt.WithNotBeforeRequired(), jwt.WithIssuedAt(),
		jwt.WithLeeway(leeway), jwt.WithTimeFunc(c.Now),
		jwt.WithStrictDecoding(), // one spelling a token
	)}
}

// issue makes a token for a viewer.
func (a *accessTokens) issue(v Viewer) (token string, expires time.Time, err error) {
	now := a.clock.Now()
	expires = now.Add(accessTime).Truncate(time.Second) // what the token can say
	t := jwt.NewWithClaims(jwt.SigningMethodHS256, claims{
		RegisteredClaims: jwt.RegisteredClaims{
			Issuer: issuer, Audience: jwt.ClaimStrings{audience}, Subject: v.UserID,
			IssuedAt: jwt.NewNumericDate(now), NotBefore: jwt.NewNumericDate(now), ExpiresAt: jwt.NewNumericDate(expires),
		},
		SessionID: v.SessionID,
	})
	t.Header["kid"] = a.keys.signing().id
	token, err = t.SignedString(a.keys.signing().access)
	if err != nil {
		return "", time.Time{}, fmt.Errorf("auth: sign a token: %w", err)
	}
	return token, expires, nil
}

// read checks a token and returns what it says. It asks no database.
func (a *accessTokens) read(token string) (Viewer, time.Time, error) {
	if len(token) > maxAccessToken {
		return Viewer{}, time.Time{}, errors.New("the token is too long")
	}
	// Go's base64 skips line breaks, wherever they are.
	if strings.ContainsAny(token, "\r\n") {
		return Viewer{}, time.Time{}, errors.New("the token has line breaks")
	}
	var c claims
	_, err := a.parser.ParseWithClaims(token, &c, func(t *jwt.Token) (any, error) {
		id, _ := t.Header["kid"].(string)
		key, ok := a.keys.byID(id)
		if !ok {
			return nil, errors.New("signed with an unknown key")
		}
		return key.access, nil
	})
	switch {
	case err != nil:
		return Viewer{}, time.Time{}, err
	case c.IssuedAt == nil || c.ExpiresAt.Sub(c.IssuedAt.Time) > accessTime:
		return Viewer{}, time.Time{}, errors.New("the token is good for longer than any is made")
	case !ids.Valid(ids.User, c.Subject) || !ids.Valid(ids.Session, c.SessionID):
		return Viewer{}, time.Time{}, errors.New("the token names no user or session")
	}
	return Viewer{UserID: c.Subject, SessionID: c.SessionID}, c.ExpiresAt.UTC(), nil
}
