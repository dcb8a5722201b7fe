package auth

import (
	"context"
	"crypto/subtle"
	"fmt"
	"time"

	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/session"
	"github.com/mark-analyst/mark/internal/fault"
)

const (
	// refreshTime is how long a session lasts after it was last refreshed.
	refreshTime = 30 * 24 * time.Hour
	// graceTime is how long the token before the newest is refused without
	// ending the session: two windows of one browser may use it at once, and a
	// thief who is that quick gets nothing for it either.
	graceTime = 10 * time.Second
	// keptTime is how long a session that has ended is kept.
	keptTime = 30 * 24 * time.Hour
)

// Refresh trades the newest refresh token of a session for new tokens; of
// several who do so at once, one succeeds. An older token ends the session,
// since somebody else may have it. It fails with ErrInvalidRefreshToken or
// RATE_LIMITED.
func (s *Service) Refresh(ctx context.Context, refreshToken string) (Grant, error) {
	if err := s.addresses.take(s.address(ctx)); err != nil {
		return Grant{}, err
	}
	shown, err := parseRefreshToken(refreshToken)
	if err != nil {
		return Grant{}, ErrInvalidRefreshToken
	}
	ctx = System(ctx, "refreshing a session")
	now := s.clock.Now()
	stored, err := s.client.Session.Query().Where(session.ID(shown.sessionID)).WithOwner().Only(ctx)
	if ent.IsNotFound(err) {
		return Grant{}, ErrInvalidRefreshToken
	}
	if err != nil {
		return Grant{}, fmt.Errorf("auth: look up a session: %w", err)
	}
	if stored.RevokedAt != nil || !stored.ExpiresAt.After(now) {
		return Grant{}, ErrInvalidRefreshToken
	}
	if shown.generation != stored.Generation {
		return Grant{}, s.reused(ctx, shown, stored)
	}
	if subtle.ConstantTimeCompare([]byte(shown.hash()), []byte(stored.RefreshHash)) != 1 {
		return Grant{}, ErrInvalidRefreshToken
	}
	next := s.keys.newRefreshToken(shown.sessionID, shown.generation+1)
	won, err := s.client.Session.Update().
		Where(session.ID(shown.sessionID), session.Generation(shown.generation),
			session.RefreshHash(shown.hash()), session.RevokedAtIsNil()).
		SetGeneration(next.generation).SetRefreshHash(next.hash()).
		SetRefreshedAt(now).SetExpiresAt(now.Add(refreshTime)).Save(ctx)
	if err != nil {
		return Grant{}, fmt.Errorf("auth: refresh a session: %w", err)
	}
	if won == 0 { // somebody was quicker
		return Grant{}, ErrInvalidRefreshToken
	}
	return s.grant(stored.Edges.Owner, next)
}

// reused deals with a token that is not the newest of its session.
func (s *Service) reused(ctx context.Context, shown refreshToken, stored *ent.Session) error {
	late := shown.generation == stored.Generation-1 && s.clock.Now().Sub(stored.RefreshedAt) < graceTime
	if late || shown.generation > stored.Generation || !s.keys.genuine(shown) {
		return ErrInvalidRefreshToken
	}
	err := s.client.Session.Update().Where(session.ID(stored.ID), session.RevokedAtIsNil()).
		SetRevokedAt(s.clock.Now()).Exec(ctx)
	if err != nil {
		return fmt.Errorf("auth: end a session: %w", err)
	}
	return ErrInvalidRefreshToken
}

// SignOut ends the viewer's session, or all of the viewer's sessions. Their
// tokens are refused from then on.
func (s *Service) SignOut(ctx context.Context, everywhere bool) error {
	v, err := Require(ctx)
	if err != nil {
		return err
	}
	ending := s.client.Session.Update().Where(session.RevokedAtIsNil()).SetRevokedAt(s.clock.Now())
	if !everywhere {
		ending.Where(session.ID(v.SessionID))
	}
	if err := ending.Exec(ctx); err != nil {
		return fmt.Errorf("auth: end a session: %w", err)
	}
	return nil
}

// Authenticate tells whose access token it is and when it stops being good. It
// fails with UNAUTHENTICATED where the token is not valid or its session has
// ended, and with UNAVAILABLE where that cannot be found out. The session is
// looked up each time, by its key, so that signing out works at once and not
// after a quarter of an hour.
func (s *Service) Authenticate(ctx context.Context, token string) (Viewer, time.Time, error) {
	v, expires, err := s.access.read(token)
	if err != nil {
		return Viewer{}, time.Time{}, errInvalidAccessToken(err)
	}
	found, err := s.client.Session.Query().
		Where(session.ID(v.SessionID), session.OwnerID(v.UserID), session.RevokedAtIsNil(), session.ExpiresAtGT(s.clock.Now())).
		Exist(System(ctx, "checking a token"))
	if err != nil {
		return Viewer{}, time.Time{}, fault.Wrap(err, fault.Unavailable, "The access token cannot be checked now. Try again.")
	}
	if !found {
		return Viewer{}, time.Time{}, errInvalidAccessToken(nil)
	}
	return v, expires, nil
}

// Sweep deletes sessions that ended a month ago or longer, and returns how many
// they were.
func (s *Service) Sweep(ctx context.Context) (int, error) {
	before := s.clock.Now().Add(-keptTime)
	n, err := s.client.Session.Delete().
		Where(session.Or(session.ExpiresAtLT(before), session.RevokedAtLT(before))).
		Exec(System(ctx, "deleting old sessions"))
	if err != nil {
		return 0, fmt.Errorf("auth: delete old sessions: %w", err)
	}
	return n, nil
}
