package auth_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/mark-analyst/mark/auth"
	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/session"
	"github.com/mark-analyst/mark/ent/user"
	"github.com/mark-analyst/mark/internal/clock"
	"github.com/mark-analyst/mark/internal/fault"
	"github.com/mark-analyst/mark/store"
)

const (
	email    = "ada@example.org"
	password = "correct horse"
	secret   = "0123456789abcdef0123456789abcdef"
)

// world is a service on a database, with time at one's hand.
type world struct {
	*auth.Service
	plain *ent.Client // unguarded
	now   *atomic.Int64
}

func newWorld(t testing.TB, s *store.Store, change ...func(*auth.Config)) world {
	t.Helper()
	w := world{plain: unguarded(s), now: &atomic.Int64{}}
	w.now.Store(time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC).UnixMicro())
	keys, err := auth.NewKeys([]byte(secret))
	must(t, err)
	auth.Guard(s.Client)
	c := auth.Config{
		Client: s.Client, Keys: keys, Address: func(context.Context) string { return "somewhere" },
		Clock: clock.Func(func() time.Time { return time.UnixMicro(w.now.Load()) }),
	}
	for _, f := range change {
		f(&c)
	}
	w.Service, err = auth.New(c)
	must(t, err)
	return w
}

func (w world) pass(d time.Duration) { w.now.Add(d.Microseconds()) }

func (w world) signUp(t testing.TB) auth.Grant {
	t.Helper()
	g, err := w.SignUp(t.Context(), email, password, "Ada")
	must(t, err)
	return g
}

func (w world) authenticates(t testing.TB, g auth.Grant) bool {
	t.Helper()
	_, _, err := w.Authenticate(t.Context(), g.AccessToken)
	if err != nil && !fault.Is(err, fault.Unauthenticated) {
		t.Fatal(err)
	}
	return err == nil
}

func TestSignUpAndSignIn(t *testing.T) {
	databases.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s)
		up, err := w.SignUp(t.Context(), "  Ada@Example.ORG ", password, " Ada ")
		must(t, err)
		if up.User.Email != email || up.User.Name != "Ada" {
			t.Errorf("stored %q, %q", up.User.Email, up.User.Name)
		}
		in, err := w.SignIn(t.Context(), "ADA@example.org", password)
		must(t, err)
		if in.User.ID != up.User.ID || in.RefreshToken == up.RefreshToken || in.AccessToken == up.AccessToken {
			t.Errorf("the second sign-in is not a session of its own of the same user")
		}
		v, expires, err := w.Authenticate(t.Context(), in.AccessToken)
		must(t, err)
		if v.UserID != up.User.ID || v.SessionID == "" || !expires.Equal(in.AccessTokenExpiresAt) {
			t.Errorf("authenticated %+v until %v", v, expires)
		}
		if want := time.UnixMicro(w.now.Load()).Add(15 * time.Minute); !expires.Equal(want) {
			t.Errorf("expires %v, want %v", expires, want)
		}
		stored := w.plain.User.GetX(t.Context(), up.User.ID)
		if !strings.HasPrefix(stored.PasswordHash, "$argon2id$v=19$m=19456,t=2,p=1$") {
			t.Errorf("the hash begins with %.40q", stored.PasswordHash)
		}
		for _, row := range w.plain.Session.Query().AllX(t.Context()) {
			for _, g := range []auth.Grant{up, in} {
				if strings.Contains(g.RefreshToken, row.RefreshHash) {
					t.Error("a refresh token is stored as it is")
				}
			}
		}
	})
}

func TestAnAddressIsTakenOnce(t *testing.T) {
	databases.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s)
		var made, taken atomic.Int32
		var group errgroup.Group
		for range 5 {
			group.Go(func() error {
				_, err := w.SignUp(t.Context(), email, password, "")
				switch {
				case err == nil:
					made.Add(1)
				case errors.Is(err, auth.ErrEmailTaken):
					taken.Add(1)
				default:
					return err
				}
				return nil
			})
		}
		must(t, group.Wait())
		if made.Load() != 1 || taken.Load() != 4 {
			t.Errorf("%d were made, %d refused", made.Load(), taken.Load())
		}
	})
}

func TestSignUpNamesTheFieldAtFault(t *testing.T) {
	w := newWorld(t, databases.SQLite(t))
	long := strings.Repeat("ä", 200)
	for _, c := range []struct{ email, password, name, field string }{
		{"", password, "", "email"},
		{"ada", password, "", "email"},
		{"ada@", password, "", "email"},
		{"@example.org", password, "", "email"},
		{"Ada <ada@example.org>", password, "", "email"},
		{"ada@example.org, bob@example.org", password, "", "email"},
		{"a da@example.org", password, "", "email"},
		{"ada\x00@example.org", password, "", "email"},
		{`"ada b"@example.org`, password, "", "email"},
		{"ada@[127.0.0.1]", password, "", "email"},
		{"ada@exam\nple.org", password, "", "email"},
		{strings.Repeat("a", 250) + "@example.org", password, "", "email"},
		{"ada\xff@example.org", password, "", "email"},
		{"ada\u200b@example.org", password, "", "email"}, // looks like another's
		{"ada@example.org\u202e", password, "", "email"},
		{email, "", "", "password"},
		{email, "1234567", "", "password"},
		{email, "äöüß123", "", "password"}, // 7 characters in 11 bytes
		{email, strings.Repeat("x", 257), "", "password"},
		{email, "with a tab\t", "", "password"},
		{email, "\xff\xfe\xfd12345678", "", "password"},
		{email, password, long + "x", "name"},
		{email, password, "a\nb", "name"},
		{email, password, "\u202eada", "name"},
	} {
		_, err := w.SignUp(t.Context(), c.email, c.password, c.name)
		f, ok := fault.As(err)
		if !ok || f.Code != fault.BadUserInput || f.Field != c.field {
			t.Errorf("%q, %.20q, %.20q: %v, want a fault of %s", c.email, c.password, c.name, err, c.field)
		}
	}
	if n := w.plain.User.Query().CountX(t.Context()); n != 0 {
		t.Errorf("%d accounts were made", n)
	}
	// The bounds themselves are allowed, in characters.
	if _, err := w.SignUp(t.Context(), email, strings.Repeat("ä", 256), long); err != nil {
		t.Error(err)
	}
	if _, err := w.SignUp(t.Context(), "b@example.org", "äöüß1234", ""); err != nil {
		t.Error(err)
	}
}

func TestAPasswordIsTheSameHoweverItIsComposed(t *testing.T) {
	w := newWorld(t, databases.SQLite(t))
	_, err := w.SignUp(t.Context(), email, "p\u00e4ssw\u00f6rter", "")
	must(t, err)
	if _, err := w.SignIn(t.Context(), email, "pa\u0308sswo\u0308rter"); err != nil {
		t.Error(err)
	}
}

func TestWrongCredentialsAreToldApartByNothing(t *testing.T) {
	w := newWorld(t, databases.SQLite(t))
	w.signUp(t)
	for _, c := range []struct{ email, password string }{
		{email, "wrong horse"}, {"bob@example.org", password}, {email, ""}, {email, "short"},
		{"not an address", password}, {email, strings.Repeat("x", 10_000)}, {"", ""}, {email, password + "\x00"},
	} {
		g, err := w.SignIn(t.Context(), c.email, c.password)
		if !errors.Is(err, auth.ErrInvalidCredentials) || err.Error() != auth.ErrInvalidCredentials.Error() {
			t.Errorf("%q, %.20q: %v", c.email, c.password, err)
		}
		if g != (auth.Grant{}) {
			t.Errorf("%q, %.20q: granted %+v", c.email, c.password, g)
		}
	}
}

// The time of an unknown account, a wrong password and an impossible one is
// that of one hash. Medians of interleaved attempts, so that a busy machine
// slows all alike; without the dummy hash they differ by a factor of 20.
func TestWrongCredentialsTakeTheSameTime(t *testing.T) {
	w := newWorld(t, databases.SQLite(t), func(c *auth.Config) {
		many := auth.Rate{Burst: 1000, Every: time.Millisecond}
		c.Limits = auth.Limits{Account: many, AccountAnywhere: many, Address: many}
	})
	w.signUp(t)
	attempts := map[string][2]string{
		"wrong": {email, "wrong horse"}, "unknown": {"bob@example.org", password}, "impossible": {"?", "?"},
	}
	times := map[string][]time.Duration{}
	for range 9 {
		for name, a := range attempts {
			start := time.Now()
			_, err := w.SignIn(t.Context(), a[0], a[1])
			times[name] = append(times[name], time.Since(start))
			if !errors.Is(err, auth.ErrInvalidCredentials) {
				t.Fatal(err)
			}
		}
	}
	// The fastest of them: what a busy machine adds says nothing.
	fastest := func(name string) time.Duration { return slices.Min(times[name]) }
	wrong := fastest("wrong")
	for _, name := range []string{"unknown", "impossible"} {
		if m := fastest(name); m < wrong/3 || m > wrong*3 {
			t.Errorf("%s takes %v, a wrong password %v", name, m, wrong)
		}
	}
}

func TestAnOldHashIsRenewed(t *testing.T) {
	w := newWorld(t, databases.SQLite(t))
	g := w.signUp(t)
	weak, err := auth.WeakHash(password)
	must(t, err)
	must(t, w.plain.User.UpdateOneID(g.User.ID).SetPasswordHash(weak).Exec(t.Context()))
	if _, err := w.SignIn(t.Context(), email, "wrong horse"); !errors.Is(err, auth.ErrInvalidCredentials) {
		t.Fatal(err)
	}
	if got := w.plain.User.GetX(t.Context(), g.User.ID).PasswordHash; got != weak {
		t.Error("a wrong password renewed the hash")
	}
	for range 2 {
		if _, err := w.SignIn(t.Context(), email, password); err != nil {
			t.Fatal(err)
		}
	}
	if got := w.plain.User.GetX(t.Context(), g.User.ID).PasswordHash; !strings.Contains(got, "m=19456,t=2,p=1") {
		t.Errorf("the hash is still %.40q", got)
	}
}

func TestSignInIsLimited(t *testing.T) {
	w := newWorld(t, databases.SQLite(t), func(c *auth.Config) {
		c.Limits.Account = auth.Rate{Burst: 2, Every: 30 * time.Second}
		c.Limits.Address = auth.Rate{Burst: 8, Every: time.Hour}
	})
	w.signUp(t)
	try := func(who, with string) error { _, err := w.SignIn(t.Context(), who, with); return err }
	for range 2 {
		if err := try(email, "wrong horse"); !errors.Is(err, auth.ErrInvalidCredentials) {
			t.Fatal(err)
		}
	}
	// The right password too: else the answer would say that it is right.
	f, ok := fault.As(try(email, password))
	if !ok || f.Code != fault.RateLimited || f.RetryAfter != 30*time.Second {
		t.Fatalf("got %+v", f)
	}
	// Another account is not concerned; the address as a whole is, in the end.
	if err := try("bob@example.org", password); !errors.Is(err, auth.ErrInvalidCredentials) {
		t.Error(err)
	}
	w.pass(30 * time.Second)
	must(t, try(email, password))
	must(t, try(email, password)) // success starts the count afresh
	must(t, try(email, password))
	if f, ok := fault.As(try("carol@example.org", password)); !ok || f.Code != fault.RateLimited || f.RetryAfter <= 0 {
		t.Errorf("the address is not limited: %v", f)
	}
	if _, err := w.SignUp(t.Context(), "d@example.org", password, ""); !fault.Is(err, fault.RateLimited) {
		t.Errorf("signing up is not limited: %v", err)
	}
	if _, err := w.Refresh(t.Context(), "x"); !fault.Is(err, fault.RateLimited) {
		t.Errorf("refreshing is not limited: %v", err)
	}
}

func TestHashingIsBoundedAndCanBeCancelled(t *testing.T) {
	w := newWorld(t, databases.SQLite(t))
	w.signUp(t)
	leave := w.OccupyHashing(t.Context())
	ctx, cancel := context.WithTimeout(t.Context(), 20*time.Millisecond)
	defer cancel()
	if _, err := w.SignIn(ctx, email, password); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("SignIn = %v, want the context's error", err)
	}
	leave()
	if _, err := w.SignIn(t.Context(), email, password); err != nil {
		t.Error(err)
	}
}

func TestNewWantsAllItNeeds(t *testing.T) {
	if _, err := auth.New(auth.Config{}); err == nil {
		t.Error("no error")
	}
}

func TestSweepDeletesWhatEndedLongAgo(t *testing.T) {
	databases.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s)
		w.signUp(t) // will expire
		w.pass(40 * 24 * time.Hour)
		lately, err := w.SignIn(t.Context(), email, password)
		must(t, err)
		w.pass(25 * 24 * time.Hour)
		n, err := w.Sweep(t.Context())
		must(t, err)
		left := w.plain.Session.Query().AllX(t.Context())
		if n != 1 || len(left) != 1 || !strings.HasPrefix(lately.RefreshToken, left[0].ID) {
			t.Errorf("deleted %d, left %v", n, left)
		}
	})
}

// Everything at once, for the race detector.
func TestConcurrentUse(t *testing.T) {
	databases.Each(t, func(t *testing.T, s *store.Store) {
		w := newWorld(t, s)
		var group errgroup.Group
		for i := range 6 {
			group.Go(func() error {
				who := fmt.Sprintf("u%d@example.org", i)
				if _, err := w.SignUp(t.Context(), who, password, ""); err != nil {
					return err
				}
				g, err := w.SignIn(t.Context(), who, password)
				if err != nil {
					return err
				}
				v, _, err := w.Authenticate(t.Context(), g.AccessToken)
				if err != nil {
					return err
				}
				if _, err = w.Refresh(t.Context(), g.RefreshToken); err != nil {
					return err
				}
				return w.SignOut(auth.WithViewer(t.Context(), v), i%2 == 0)
			})
		}
		must(t, group.Wait())
		open := w.plain.Session.Query().Where(session.RevokedAtIsNil()).CountX(t.Context())
		if users := w.plain.User.Query().Where(user.NameEQ("")).CountX(t.Context()); users != 6 || open != 3 {
			t.Errorf("%d users, %d open sessions", users, open)
		}
	})
}
