package auth

import (
	"context"
	"time"

	"github.com/alexedwards/argon2id"

	"github.com/mark-analyst/mark/internal/clock"
)

// WeakHash is a hash at less than today's cost.
func WeakHash(password string) (string, error) {
	return argon2id.CreateHash(password, &argon2id.Params{Memory: 1024, Iterations: 1, Parallelism: 1, SaltLength: 16, KeyLength: 32})
}

// OccupyHashing takes all slots for hashing until it is told to leave.
func (s *Service) OccupyHashing(ctx context.Context) (leave func()) {
	for range cap(s.passwords.slots) {
		if err := s.passwords.enter(ctx); err != nil {
			panic(err)
		}
	}
	return func() {
		for range cap(s.passwords.slots) {
			s.passwords.leave()
		}
	}
}

// AccessTokens makes and reads access tokens without a database.
type AccessTokens struct{ *accessTokens }

// NewAccessTokens is newAccessTokens.
func NewAccessTokens(k *Keys, c clock.Clock) AccessTokens { return AccessTokens{newAccessTokens(k, c)} }

// Issue is issue.
func (a AccessTokens) Issue(v Viewer) (string, time.Time, error) { return a.issue(v) }

// Read is read.
func (a AccessTokens) Read(token string) (Viewer, time.Time, error) { return a.read(token) }

// AccessKey is the id and the key of the tokens that are made now.
func (k *Keys) AccessKey() (id string, key []byte) { return k.signing().id, k.signing().access }

// NewRefreshToken is newRefreshToken, as text.
func (k *Keys) NewRefreshToken(sessionID string, generation int) string {
	return k.newRefreshToken(sessionID, generation).String()
}

// RefreshTokenOf is a token that is the same in each process.
func (k *Keys) RefreshTokenOf(sessionID string, generation int) string {
	t := refreshToken{sessionID: sessionID, generation: generation}
	copy(t.secret[nonceSize:], t.proof(k.signing()))
	return t.String()
}

// ParseRefreshToken is parseRefreshToken; it returns the text of what it read.
func ParseRefreshToken(s string) (sessionID string, generation int, text string, err error) {
	t, err := parseRefreshToken(s)
	return t.sessionID, t.generation, t.String(), err
}

// Genuine is genuine.
func (k *Keys) Genuine(s string) bool {
	t, err := parseRefreshToken(s)
	return err == nil && k.genuine(t)
}

// Limiter is a limiter with its size.
type Limiter struct{ *limiter }

// NewLimiter is newLimiter.
func NewLimiter(r Rate, c clock.Clock) Limiter { return Limiter{newLimiter(r, c)} }

// Take is take.
func (l Limiter) Take(key string) error { return l.take(key) }

// Len is how many keys are remembered.
func (l Limiter) Len() int { return l.order.Len() }

// Remembered is the most that are.
const Remembered = remembered
