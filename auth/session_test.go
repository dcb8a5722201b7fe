package auth_test

import (
	"context"
	"errors"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	entgo "entgo.io/ent"
	"golang.org/x/sync/errgroup"

	"github.com/mark-analyst/mark/auth"
	"github.com/mark-analyst/mark/internal/fault"
	"github.com/mark-analyst/mark/internal/ids"
	"github.com/mark-analyst/mark/store"
)

func TestRefreshRotates(t *testing.T) {
	databases.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s)
		first := w.signUp(t)
		latest := first
		for range 3 {
			w.pass(20 * 24 * time.Hour) // longer than an access token, shorter than a session
			if w.authenticates(t, latest) {
				t.Error("an expired access token is good")
			}
			next, err := w.Refresh(t.Context(), latest.RefreshToken)
			must(t, err)
			if next.RefreshToken == latest.RefreshToken || next.User.ID != first.User.ID || !w.authenticates(t, next) {
				t.Errorf("refreshed to %+v", next)
			}
			latest = next
		}
	})
}

// An old token is a stolen one, or else the newest is: both end.
func TestReuseEndsTheSession(t *testing.T) {
	databases.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s)
		first := w.signUp(t)
		other, err := w.SignIn(t.Context(), email, password)
		must(t, err)
		second, err := w.Refresh(t.Context(), first.RefreshToken)
		must(t, err)
		w.pass(time.Minute)
		if _, err := w.Refresh(t.Context(), first.RefreshToken); !errors.Is(err, auth.ErrInvalidRefreshToken) {
			t.Fatalf("the old token: %v", err)
		}
		if w.authenticates(t, first) || w.authenticates(t, second) {
			t.Error("access tokens of the ended session are good")
		}
		if _, err := w.Refresh(t.Context(), second.RefreshToken); !errors.Is(err, auth.ErrInvalidRefreshToken) {
			t.Errorf("the newest token: %v", err)
		}
		if !w.authenticates(t, other) {
			t.Error("another session ended too")
		}
	})
}

// Only who has had a token can end its session.
func TestMadeUpOldTokensEndNothing(t *testing.T) {
	w := newWorld(t, databases.SQLite(t))
	first := w.signUp(t)
	second, err := w.Refresh(t.Context(), first.RefreshToken)
	must(t, err)
	w.pass(time.Minute)
	id, _, _ := strings.Cut(first.RefreshToken, ".")
	foreign, err := auth.NewKeys([]byte(strings.Repeat("x", 32)))
	must(t, err)
	for _, generation := range []int{1, 2, 3, 1 << 30} {
		if _, err := w.Refresh(t.Context(), foreign.NewRefreshToken(id, generation)); !errors.Is(err, auth.ErrInvalidRefreshToken) {
			t.Errorf("generation %d: %v", generation, err)
		}
	}
	if !w.authenticates(t, second) {
		t.Error("the session ended")
	}
	if _, err := w.Refresh(t.Context(), second.RefreshToken); err != nil {
		t.Errorf("the newest token: %v", err)
	}
}

// Two windows of a browser do this; both stay signed in by the one that won.
func TestOfConcurrentRefreshesOneWins(t *testing.T) {
	const windows = 8
	databases.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s)
		first := w.signUp(t)
		// All have read the session before the first of them changes it.
		var reading sync.WaitGroup
		reading.Add(windows)
		var reads atomic.Int32
		s.Client.Session.Intercept(entgo.InterceptFunc(func(next entgo.Querier) entgo.Querier {
			return entgo.QuerierFunc(func(ctx context.Context, q entgo.Query) (entgo.Value, error) {
				v, err := next.Query(ctx, q)
				if reads.Add(1) <= windows {
					reading.Done()
					reading.Wait()
				}
				return v, err
			})
		}))
		var won, lost atomic.Int32
		var winner atomic.Pointer[auth.Grant]
		var group errgroup.Group
		for range windows {
			group.Go(func() error {
				g, err := w.Refresh(t.Context(), first.RefreshToken)
				switch {
				case err == nil:
					won.Add(1)
					winner.Store(&g)
				case errors.Is(err, auth.ErrInvalidRefreshToken):
					lost.Add(1)
				default:
					return err
				}
				return nil
			})
		}
		must(t, group.Wait())
		if won.Load() != 1 || lost.Load() != windows-1 {
			t.Fatalf("%d won, %d lost", won.Load(), lost.Load())
		}
		if !w.authenticates(t, *winner.Load()) {
			t.Error("the winner's session ended")
		}
		if _, err := w.Refresh(t.Context(), winner.Load().RefreshToken); err != nil {
			t.Errorf("the winner's token: %v", err)
		}
	})
}

func TestRefreshRefuses(t *testing.T) {
	w := newWorld(t, databases.SQLite(t))
	g := w.signUp(t)
	keys, err := auth.NewKeys([]byte(secret))
	must(t, err)
	for _, token := range []string{
		"", "x", g.AccessToken, g.RefreshToken + " ", g.RefreshToken[:len(g.RefreshToken)-1],
		keys.NewRefreshToken(ids.New(ids.Session), 1), strings.Repeat("x", 1<<20),
	} {
		if _, err := w.Refresh(t.Context(), token); !errors.Is(err, auth.ErrInvalidRefreshToken) {
			t.Errorf("%.40q: %v", token, err)
		}
	}
	w.pass(30 * 24 * time.Hour)
	if _, err := w.Refresh(t.Context(), g.RefreshToken); !errors.Is(err, auth.ErrInvalidRefreshToken) {
		t.Errorf("after 30 days: %v", err)
	}
}

// The newest token is good by what is stored of it, whatever became of the key.
func TestRefreshSurvivesAChangeOfKeys(t *testing.T) {
	s := databases.SQLite(t)
	g := newWorld(t, s).signUp(t)
	later := newWorld(t, s, func(c *auth.Config) {
		var err error
		c.Keys, err = auth.NewKeys([]byte(strings.Repeat("x", 32)))
		must(t, err)
	})
	if later.authenticates(t, g) {
		t.Error("an access token of the old key is good")
	}
	if _, err := later.Refresh(t.Context(), g.RefreshToken); err != nil {
		t.Error(err)
	}
}

func TestSignOut(t *testing.T) {
	for name, c := range map[string]struct {
		everywhere bool
		other      bool // still signed in
	}{"here": {false, true}, "everywhere": {true, false}} {
		t.Run(name, func(t *testing.T) {
			databases.Each(t, func(t *testing.T, s *store.Store) {
				w := newWorld(t, s)
				stranger, err := w.SignUp(t.Context(), "bob@example.org", password, "")
				must(t, err)
				here := w.signUp(t)
				other, err := w.SignIn(t.Context(), email, password)
				must(t, err)
				v, _, err := w.Authenticate(t.Context(), here.AccessToken)
				must(t, err)
				for range 2 { // once more is harmless
					must(t, w.SignOut(auth.WithViewer(t.Context(), v), c.everywhere))
				}
				if w.authenticates(t, here) {
					t.Error("the access token is still good")
				}
				if _, err := w.Refresh(t.Context(), here.RefreshToken); !errors.Is(err, auth.ErrInvalidRefreshToken) {
					t.Errorf("the refresh token: %v", err)
				}
				if got := w.authenticates(t, other); got != c.other {
					t.Errorf("the other session is signed in: %t", got)
				}
				if !w.authenticates(t, stranger) {
					t.Error("a stranger was signed out")
				}
			})
		})
	}
	w := newWorld(t, databases.SQLite(t))
	if err := w.SignOut(t.Context(), true); !fault.Is(err, fault.Unauthenticated) {
		t.Errorf("nobody signs out: %v", err)
	}
}

func TestATokenThatCannotBeCheckedIsNotCalledInvalid(t *testing.T) {
	w := newWorld(t, databases.SQLite(t))
	g := w.signUp(t)
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, _, err := w.Authenticate(ctx, g.AccessToken); !fault.Is(err, fault.Unavailable) {
		t.Errorf("got %v, want UNAVAILABLE", err)
	}
}

func TestTheTokenOfADeletedAccount(t *testing.T) {
	databases.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s)
		g := w.signUp(t)
		must(t, w.plain.User.DeleteOneID(g.User.ID).Exec(t.Context()))
		if w.authenticates(t, g) {
			t.Error("it is good")
		}
		if _, err := w.Refresh(t.Context(), g.RefreshToken); !errors.Is(err, auth.ErrInvalidRefreshToken) {
			t.Error(err)
		}
	})
}
