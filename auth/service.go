package auth

import (
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/user"
	"github.com/mark-analyst/mark/internal/clock"
	"github.com/mark-analyst/mark/internal/ids"
)

// Config is what a Service is made of.
type Config struct {
	Client *ent.Client // guarded
	Keys   *Keys
	Clock  clock.Clock
	// Address returns a key of the network address that a request came from,
	// for limits: a whole IPv6 /64 should have one. All requests for which it
	// returns "" share a key.
	Address func(context.Context) string
	Limits  Limits // a zero Rate in it stands for the default
}

// Service keeps accounts and sessions. Its methods may be called at once.
type Service struct {
	client    *ent.Client
	keys      *Keys
	access    *accessTokens
	clock     clock.Clock
	passwords *passwords
	address   func(context.Context) string

	accounts, accountsAnywhere, addresses *limiter
}

// Grant is what a person gets who signed in.
type Grant struct {
	AccessToken          string
	AccessTokenExpiresAt time.Time
	RefreshToken         string
	User                 *ent.User
}

// New returns a Service.
func New(c Config) (*Service, error) {
	if c.Client == nil || c.Keys == nil || c.Clock == nil || c.Address == nil {
		return nil, errors.New("auth: Config needs a Client, Keys, a Clock and an Address")
	}
	p, err := newPasswords()
	if err != nil {
		return nil, err
	}
	limits := c.Limits.withDefaults()
	return &Service{
		client: c.Client, keys: c.Keys, access: newAccessTokens(c.Keys, c.Clock), clock: c.Clock,
		passwords: p, address: c.Address,
		accounts:         newLimiter(limits.Account, c.Clock),
		accountsAnywhere: newLimiter(limits.AccountAnywhere, c.Clock),
		addresses:        newLimiter(limits.Address, c.Clock),
	}, nil
}

// SignUp makes an account and signs its owner in. The name may be empty. It
// fails with ErrEmailTaken, a fault BAD_USER_INPUT that names the field, or
// RATE_LIMITED.
func (s *Service) SignUp(ctx context.Context, email, password, name string) (Grant, error) {
	if err := s.addresses.take(s.address(ctx)); err != nil {
		return Grant{}, err
	}
	email, err := normalEmail(email)
	if err != nil {
		return Grant{}, err
	}
	if password, err = normalPassword(password); err != nil {
		return Grant{}, err
	}
	if name, err = normalName(name); err != nil {
		return Grant{}, err
	}
	hash, err := s.passwords.hash(ctx, password)
	if err != nil {
		return Grant{}, err
	}
	ctx = System(ctx, "signing up")
	now := s.clock.Now()
	u, err := s.client.User.Create().SetEmail(email).SetName(name).SetPasswordHash(hash).
		SetCreatedAt(now).SetUpdatedAt(now).Save(ctx)
	if ent.IsConstraintError(err) {
		return Grant{}, ErrEmailTaken
	}
	if err != nil {
		return Grant{}, fmt.Errorf("auth: make an account: %w", err)
	}
	return s.open(ctx, u)
}

// SignIn opens a session. It fails with ErrInvalidCredentials, after the same
// time whether there is such an account or not, or with RATE_LIMITED.
func (s *Service) SignIn(ctx context.Context, email, password string) (Grant, error) {
	address := s.address(ctx)
	if err := s.addresses.take(address); err != nil {
		return Grant{}, err
	}
	// What can be nobody's address or password still takes its time.
	email, badEmail := normalEmail(email)
	password, badPassword := normalPassword(password)
	here := email + " " + address
	if err := s.accounts.take(here); err != nil {
		return Grant{}, err
	}
	if err := s.accountsAnywhere.take(email); err != nil {
		return Grant{}, err
	}
	ctx = System(ctx, "signing in")
	u, err := s.client.User.Query().Where(user.Email(email)).Only(ctx)
	if err != nil && !ent.IsNotFound(err) {
		return Grant{}, fmt.Errorf("auth: look up an account: %w", err)
	}
	hash := ""
	if u != nil {
		hash = u.PasswordHash
	}
	match, outdated, err := s.passwords.check(ctx, password, hash)
	if err != nil {
		return Grant{}, err
	}
	if !match || badEmail != nil || badPassword != nil {
		return Grant{}, ErrInvalidCredentials
	}
	s.accounts.forget(here)
	if outdated {
		if u, err = s.rehash(ctx, u, password); err != nil {
			return Grant{}, err
		}
	}
	return s.open(ctx, u)
}

// rehash stores the hash of a password, just seen to be right, at today's cost.
func (s *Service) rehash(ctx context.Context, u *ent.User, password string) (*ent.User, error) {
	hash, err := s.passwords.hash(ctx, password)
	if err != nil {
		return nil, err
	}
	renewed, err := u.Update().Where(user.PasswordHash(u.PasswordHash)).SetPasswordHash(hash).Save(ctx)
	if ent.IsNotFound(err) { // it was changed meanwhile
		return nil, ErrInvalidCredentials
	}
	if err != nil {
		return nil, fmt.Errorf("auth: renew a password's hash: %w", err)
	}
	return renewed, nil
}

// open starts a session of a user.
func (s *Service) open(ctx context.Context, u *ent.User) (Grant, error) {
	now := s.clock.Now()
	token := s.keys.newRefreshToken(ids.New(ids.Session), 1)
	err := s.client.Session.Create().SetID(token.sessionID).SetOwnerID(u.ID).SetRefreshHash(token.hash()).
		SetGeneration(token.generation).SetCreatedAt(now).SetRefreshedAt(now).SetExpiresAt(now.Add(refreshTime)).Exec(ctx)
	if err != nil {
		return Grant{}, fmt.Errorf("auth: open a session: %w", err)
	}
	return s.grant(u, token)
}

func (s *Service) grant(u *ent.User, refresh refreshToken) (Grant, error) {
	access, expires, err := s.access.issue(Viewer{UserID: u.ID, SessionID: refresh.sessionID})
	if err != nil {
		return Grant{}, err
	}
	return Grant{AccessToken: access, AccessTokenExpiresAt: expires, RefreshToken: refresh.String(), User: u}, nil
}
