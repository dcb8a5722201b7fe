package auth

import (
	"context"
	"crypto/rand"
	"fmt"
	"runtime"

	"github.com/alexedwards/argon2id"
)

// cost is what hashing a password takes: 19 MiB of memory, two passes, one
// lane, the least that the OWASP Password Storage Cheat Sheet recommends for
// Argon2id. It is part of each hash, so that raising it leaves old hashes
// good; they are renewed when their owners sign in.
func cost() *argon2id.Params {
	return &argon2id.Params{Memory: 19 * 1024, Iterations: 2, Parallelism: 1, SaltLength: 16, KeyLength: 32}
}

// passwords hashes and checks passwords, at most so many at once: each takes
// its memory, and a flood of sign-ins must not take all there is.
type passwords struct {
	slots chan struct{}
	// dummy is the hash of a password that nobody knows. It is checked where
	// there is no account, so that this takes as long as where there is one.
	dummy string
}

func newPasswords() (*passwords, error) {
	dummy, err := argon2id.CreateHash(rand.Text(), cost())
	if err != nil {
		return nil, fmt.Errorf("auth: hash a password: %w", err)
	}
	return &passwords{slots: make(chan struct{}, runtime.GOMAXPROCS(0)), dummy: dummy}, nil
}

func (p *passwords) enter(ctx context.Context) error {
	select {
	case p.slots <- struct{}{}:
		return nil
	case <-ctx.Done():
		return fmt.Errorf("auth: waiting to check a password: %w", ctx.Err())
	}
}

func (p *passwords) leave() { <-p.slots }

// hash returns a password's hash in PHC string format.
func (p *passwords) hash(ctx context.Context, password string) (string, error) {
	if err := p.enter(ctx); err != nil {
		return "", err
	}
	defer p.leave()
	hash, err := argon2id.CreateHash(password, cost())
	if err != nil {
		return "", fmt.Errorf("auth: hash a password: %w", err)
	}
	return hash, nil
}

// check tells whether the password is the hash's, and whether the hash was
// made at another cost than the present one. An empty hash stands for an
// account that is not there: nothing matches it.
func (p *passwords) check(ctx context.Context, password, hash string) (match, outdated bool, err error) {
	if err := p.enter(ctx); err != nil {
		return false, false, err
	}
	defer p.leave()
	known := hash != ""
	if !known {
		hash = p.dummy
	}
	match, params, err := argon2id.CheckHash(password, hash)
	if err != nil {
		return false, false, fmt.Errorf("auth: a stored password hash is unreadable: %w", err)
	}
	return match && known, *params != *cost(), nil
}
