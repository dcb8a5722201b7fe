package auth_test

import (
	"encoding/base64"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"pgregory.net/rapid"

	"github.com/mark-analyst/mark/auth"
	"github.com/mark-analyst/mark/internal/clock"
	"github.com/mark-analyst/mark/internal/ids"
)

var noon = time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC)

func at(when time.Time) clock.Clock { return clock.Func(func() time.Time { return when }) }

func keysOf(t testing.TB, secrets ...string) *auth.Keys {
	t.Helper()
	all := make([][]byte, len(secrets))
	for i, s := range secrets {
		all[i] = []byte(s)
	}
	k, err := auth.NewKeys(all...)
	must(t, err)
	return k
}

func someone() auth.Viewer {
	return auth.Viewer{UserID: ids.New(ids.User), SessionID: ids.New(ids.Session)}
}

// forge signs a token like Mark's with what is changed about it.
func forge(t testing.TB, k *auth.Keys, method jwt.SigningMethod, key any, change func(header, claims map[string]any)) string {
	t.Helper()
	id, own := k.AccessKey()
	if key == nil {
		key = own
	}
	v := someone()
	claims := jwt.MapClaims{
		"iss": "mark", "aud": "mark-api", "sub": v.UserID, "sid": v.SessionID,
		"iat": noon.Unix(), "nbf": noon.Unix(), "exp": noon.Add(15 * time.Minute).Unix(),
	}
	token := jwt.NewWithClaims(method, claims)
	token.Header["kid"] = id
	change(token.Header, claims)
	text, err := token.SignedString(key)
	must(t, err)
	return text
}

func TestAccessTokensAreCheckedStrictly(t *testing.T) {
	k := keysOf(t, secret)
	tokens := auth.NewAccessTokens(k, at(noon))
	set := func(name string, value any) func(h, c map[string]any) {
		return func(_, c map[string]any) {
			if value == nil {
				delete(c, name)
			} else {
				c[name] = value
			}
		}
	}
	if _, _, err := tokens.Read(forge(t, k, jwt.SigningMethodHS256, nil, func(_, _ map[string]any) {})); err != nil {
		t.Fatalf("the token that the forgeries begin with is not good itself: %v", err)
	}
	for name, token := range map[string]string{
		"alg none":            forge(t, k, jwt.SigningMethodNone, jwt.UnsafeAllowNoneSignatureType, func(_, _ map[string]any) {}),
		"another alg":         forge(t, k, jwt.SigningMethodHS512, nil, func(_, _ map[string]any) {}),
		"another key":         forge(t, k, jwt.SigningMethodHS256, []byte("another"), func(_, _ map[string]any) {}),
		"the secret as key":   forge(t, k, jwt.SigningMethodHS256, []byte(secret), func(_, _ map[string]any) {}),
		"empty key":           forge(t, k, jwt.SigningMethodHS256, []byte{}, func(_, _ map[string]any) {}),
		"unknown kid":         forge(t, k, jwt.SigningMethodHS256, nil, func(h, _ map[string]any) { h["kid"] = "0123456789abcdef" }),
		"no kid":              forge(t, k, jwt.SigningMethodHS256, nil, func(h, _ map[string]any) { delete(h, "kid") }),
		"kid of another type": forge(t, k, jwt.SigningMethodHS256, nil, func(h, _ map[string]any) { h["kid"] = 1 }),
		"another issuer":      forge(t, k, jwt.SigningMethodHS256, nil, set("iss", "other")),
		"no issuer":           forge(t, k, jwt.SigningMethodHS256, nil, set("iss", nil)),
		"another audience":    forge(t, k, jwt.SigningMethodHS256, nil, set("aud", "other")),
		"no audience":         forge(t, k, jwt.SigningMethodHS256, nil, set("aud", nil)),
		"expired":             forge(t, k, jwt.SigningMethodHS256, nil, set("exp", noon.Add(-6*time.Second).Unix())),
		"no expiry":           forge(t, k, jwt.SigningMethodHS256, nil, set("exp", nil)),
		"expiry far off":      forge(t, k, jwt.SigningMethodHS256, nil, set("exp", noon.Add(time.Hour).Unix())),
		"expiry as text":      forge(t, k, jwt.SigningMethodHS256, nil, set("exp", "soon")),
		"not yet":             forge(t, k, jwt.SigningMethodHS256, nil, set("nbf", noon.Add(6*time.Second).Unix())),
		"no not-before":       forge(t, k, jwt.SigningMethodHS256, nil, set("nbf", nil)),
		"of the future":       forge(t, k, jwt.SigningMethodHS256, nil, set("iat", noon.Add(6*time.Second).Unix())),
		"no time of issue":    forge(t, k, jwt.SigningMethodHS256, nil, set("iat", nil)),
		"no user":             forge(t, k, jwt.SigningMethodHS256, nil, set("sub", nil)),
		"user of another id":  forge(t, k, jwt.SigningMethodHS256, nil, set("sub", ids.New(ids.Chat))),
		"no session":          forge(t, k, jwt.SigningMethodHS256, nil, set("sid", nil)),
		"session as a number": forge(t, k, jwt.SigningMethodHS256, nil, set("sid", 7)),
		"oversize":            forge(t, k, jwt.SigningMethodHS256, nil, set("x", strings.Repeat("x", 4096))),
		"empty":               "",
		"dots":                "..",
		"not base64":          "a.b.c",
		"a megabyte":          strings.Repeat("eyJ", 1<<20/3),
		"a million dots":      strings.Repeat(".", 1<<20),
	} {
		if v, _, err := tokens.Read(token); err == nil {
			t.Errorf("%s: accepted as %+v", name, v)
		}
	}
}

func TestAnAccessTokenIsGoodForFifteenMinutes(t *testing.T) {
	k := keysOf(t, secret)
	v := someone()
	token, expires, err := auth.NewAccessTokens(k, at(noon)).Issue(v)
	must(t, err)
	for after, good := range map[time.Duration]bool{
		-4 * time.Second: true, -6 * time.Second: false, 0: true, 15*time.Minute - time.Second: true,
		15*time.Minute + 4*time.Second: true, 15*time.Minute + 6*time.Second: false,
	} {
		got, until, err := auth.NewAccessTokens(k, at(noon.Add(after))).Read(token)
		if (err == nil) != good {
			t.Errorf("after %v: %v", after, err)
		}
		if err == nil && (got != v || !until.Equal(expires)) {
			t.Errorf("read %+v until %v, issued %+v until %v", got, until, v, expires)
		}
	}
}

func TestKeysCanBeChangedWithoutSigningAnybodyOut(t *testing.T) {
	older, both := keysOf(t, secret), keysOf(t, strings.Repeat("new", 11), secret)
	newer := keysOf(t, strings.Repeat("new", 11))
	before, _, err := auth.NewAccessTokens(older, at(noon)).Issue(someone())
	must(t, err)
	after, _, err := auth.NewAccessTokens(both, at(noon)).Issue(someone())
	must(t, err)
	for name, c := range map[string]struct {
		keys  *auth.Keys
		token string
		good  bool
	}{
		"an earlier token": {both, before, true}, "a new token": {both, after, true},
		"a new token, later": {newer, after, true}, "an earlier token, later": {newer, before, false},
		"a new token, before": {older, after, false},
	} {
		if _, _, err := auth.NewAccessTokens(c.keys, at(noon)).Read(c.token); (err == nil) != c.good {
			t.Errorf("%s: %v", name, err)
		}
	}
	old := older.NewRefreshToken(ids.New(ids.Session), 1)
	if !both.Genuine(old) || newer.Genuine(old) {
		t.Error("a refresh token of an earlier key is told wrongly")
	}
}

// Whatever is changed about a token, it is no token any more.
func TestNoChangedTokenIsAccepted(t *testing.T) {
	k := keysOf(t, secret)
	tokens := auth.NewAccessTokens(k, at(noon))
	access, _, err := tokens.Issue(someone())
	must(t, err)
	refresh := k.NewRefreshToken(ids.New(ids.Session), 12)
	for name, c := range map[string]struct {
		token string
		good  func(string) bool
	}{
		"access":  {access, func(s string) bool { _, _, err := tokens.Read(s); return err == nil }},
		"refresh": {refresh, k.Genuine},
	} {
		if !c.good(c.token) {
			t.Fatalf("the %s token itself is not good", name)
		}
		// Every single character, exhaustively.
		alphabet := "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_.=\n\r +/\x00"
		for i := range len(c.token) {
			for _, r := range alphabet {
				if byte(r) != c.token[i] && c.good(c.token[:i]+string(r)+c.token[i+1:]) {
					t.Fatalf("%s: %q for %q at %d is accepted", name, r, c.token[i], i)
				}
				if c.good(c.token[:i] + string(r) + c.token[i:]) {
					t.Fatalf("%s: %q put in at %d is accepted", name, r, i)
				}
			}
			if c.good(c.token[:i]) || c.good(c.token[i+1:]) || c.good(c.token[:i]+c.token[i+1:]) {
				t.Fatalf("%s: cut at %d it is accepted", name, i)
			}
		}
		// And pieces of it, in any order.
		rapid.Check(t, func(r *rapid.T) {
			i, j := rapid.IntRange(0, len(c.token)).Draw(r, "i"), rapid.IntRange(0, len(c.token)).Draw(r, "j")
			changed := c.token[min(i, j):] + rapid.String().Draw(r, "text") + c.token[:max(i, j)]
			if changed != c.token && c.good(changed) {
				r.Fatalf("%q is accepted", changed)
			}
		})
	}
}

func FuzzAccessToken(f *testing.F) {
	k := keysOf(f, secret)
	tokens := auth.NewAccessTokens(k, at(noon))
	// The same in each of the processes that fuzzing takes.
	v := auth.Viewer{UserID: "usr_01m85azxkrfwaag1jgrz39cmqm", SessionID: "ses_01m85azxkrfwaag1jgrz39cmqm"}
	good, _, err := tokens.Issue(v)
	must(f, err)
	none := base64.RawURLEncoding.EncodeToString([]byte(`{"alg":"none","typ":"JWT"}`))
	for _, seed := range []string{good, good + "\n", none + "." + strings.Split(good, ".")[1] + ".", "..", "", strings.ToUpper(good)} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, token string) {
		if got, _, err := tokens.Read(token); err == nil && (token != good || got != v) {
			t.Errorf("%q is accepted as %+v", token, got)
		}
	})
}

func FuzzRefreshToken(f *testing.F) {
	k := keysOf(f, secret)
	good := k.RefreshTokenOf("ses_01m85azxkrfwaag1jgrz39cmqm", 3)
	parts := strings.Split(good, ".")
	for _, seed := range []string{
		good, good + "=", fmt.Sprintf("%s.03.%s", parts[0], parts[2]), fmt.Sprintf("%s.+3.%s", parts[0], parts[2]),
		parts[0] + ".99999999999999999999." + parts[2], "...", "",
	} {
		f.Add(seed)
	}
	f.Fuzz(func(t *testing.T, text string) {
		id, generation, again, err := auth.ParseRefreshToken(text)
		if err != nil {
			return
		}
		if again != text || !ids.Valid(ids.Session, id) || generation < 1 {
			t.Errorf("%q was read as %q", text, again)
		}
		if text != good && k.Genuine(text) {
			t.Errorf("%q passes for genuine", text)
		}
	})
}
