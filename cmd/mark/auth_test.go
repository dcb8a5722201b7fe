package main

import (
	"encoding/base64"
	"encoding/json"
	"errors"
	"io"
	"net/http"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/golang-jwt/jwt/v5"
	"github.com/gorilla/websocket"

	"github.com/mark-analyst/mark/internal/clock"
	"github.com/mark-analyst/mark/internal/fakellm"
)

// settable is a clock that tests move.
type settable struct {
	mu    sync.Mutex
	ahead time.Duration
}

func (s *settable) Now() time.Time {
	s.mu.Lock()
	defer s.mu.Unlock()
	return clock.System{}.Now().Add(s.ahead)
}

func (s *settable) move(d time.Duration) {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.ahead += d
}

// startPlain runs Mark with a scripted model, without Python, on a clock that can
// be moved.
func startPlain(t *testing.T, url string) (*service, *settable) {
	t.Helper()
	now := &settable{}
	return start(t, url, func(c *Config, p *Parts) {
		withModel(t, says("An answer."))(c, p)
		p.Sandbox, p.Clock = absent{}, now
	}), now
}

// refusedSocket tells how a socket that is opened with the person's token ends.
func (p *person) refusedSocket() int {
	p.t.Helper()
	conn, res, err := (&websocket.Dialer{Subprotocols: []string{"graphql-transport-ws"}}).DialContext(p.t.Context(), "ws"+strings.TrimPrefix(p.url, "http")+"/graphql", nil)
	if err != nil {
		p.t.Fatal(err)
	}
	defer conn.Close()
	res.Body.Close()
	s := &socket{t: p.t, conn: conn}
	s.send(map[string]any{"type": "connection_init", "payload": map[string]string{"Authorization": "Bearer " + p.token}})
	return s.closed()
}

// closed reads until the socket is closed and returns the close code.
func (s *socket) closed() int {
	s.t.Helper()
	s.conn.SetReadDeadline(time.Now().Add(30 * time.Second))
	for {
		_, _, err := s.conn.ReadMessage()
		var closed *websocket.CloseError
		if errors.As(err, &closed) {
			return closed.Code
		}
		if err != nil {
			s.t.Fatalf("the socket ended without a close frame: %v", err)
		}
	}
}

func TestTokensThatAreNotMarks(t *testing.T) {
	s, _ := startPlain(t, "")
	ada := s.signUp("ada@example.org")
	parts := strings.Split(ada.token, ".")
	decode := func(part string) map[string]any {
		raw, err := base64.RawURLEncoding.DecodeString(part)
		if err != nil {
			t.Fatal(err)
		}
		var m map[string]any
		if err := json.Unmarshal(raw, &m); err != nil {
			t.Fatal(err)
		}
		return m
	}
	encode := func(m map[string]any) string {
		raw, err := json.Marshal(m)
		if err != nil {
			t.Fatal(err)
		}
		return base64.RawURLEncoding.EncodeToString(raw)
	}
	header, claims := decode(parts[0]), decode(parts[1])
	none := map[string]any{"alg": "none", "typ": "JWT", "kid": header["kid"]}
	longer := map[string]any{}
	for k, v := range claims {
		longer[k] = v
	}
	longer["exp"] = float64(time.Now().Add(24 * time.Hour).Unix())
	other := jwt.NewWithClaims(jwt.SigningMethodHS256, jwt.MapClaims(claims))
	other.Header["kid"] = header["kid"]
	otherKey, err := other.SignedString([]byte(strings.Repeat("k", 32)))
	if err != nil {
		t.Fatal(err)
	}
	flipped := []byte(parts[2])
	flipped[0] ^= 1
	for name, token := range map[string]string{
		"alg none":            encode(none) + "." + parts[1] + ".",
		"alg none, signature": encode(none) + "." + parts[1] + "." + parts[2],
		"another key":         otherKey,
		"longer life":         parts[0] + "." + encode(longer) + "." + parts[2],
		"signature changed":   parts[0] + "." + parts[1] + "." + string(flipped),
		"no signature":        parts[0] + "." + parts[1] + ".",
		"the refresh token":   ada.refresh,
		"nonsense":            "x.y.z",
		"endless":             strings.Repeat("a", 5_000),
	} {
		t.Run(name, func(t *testing.T) {
			eve := &person{service: s, token: token, client: ada.client}
			r := eve.try(`{ viewer { id } }`, nil)
			if r.code() != "UNAUTHENTICATED" || r.Data["viewer"] != nil {
				t.Errorf("HTTP: %v %v", r.Data, r.Errors)
			}
			if code := eve.refusedSocket(); code != 4403 {
				t.Errorf("the socket was closed with %d", code)
			}
		})
	}
	if r := ada.do(`{ viewer { email } }`, nil); r.str("viewer", "email") != "ada@example.org" {
		t.Errorf("her own token: %v", r.Data)
	}
}

func TestTokensExpireOnHTTPAndOnAnOpenSocket(t *testing.T) {
	s, now := startPlain(t, "")
	ada := s.signUp("ada@example.org")
	_, run := ada.ask("", "hello")
	now.move(15*time.Minute - 10*time.Second)
	sock := ada.dial() // the token is good for less than ten seconds more
	defer sock.close()
	sock.subscribe(run, 0)
	if e, more := sock.next(); !more || e.kind() != "RunStarted" {
		t.Fatalf("first event %v", e)
	}
	if code := sock.closed(); code != 4403 {
		t.Errorf("the socket was closed with %d", code)
	}
	now.move(30 * time.Second)
	if r := ada.try(`{ viewer { id } }`, nil); r.code() != "UNAUTHENTICATED" {
		t.Errorf("an expired token: %v %v", r.Data, r.Errors)
	}
	if code := ada.refusedSocket(); code != 4403 {
		t.Errorf("a new socket was closed with %d", code)
	}
	renewed := s.refreshed(ada, ada.refresh)
	ada.token = renewed.str("refreshSession", "session", "accessToken")
	ada.do(`{ viewer { id } }`, nil)
}

const errorFields = `errors { __typename ... on UserError { code message } ... on RateLimitedError { retryAfter } }`

// refreshed renews a session, as a client does that has no good access token.
func (s *service) refreshed(p *person, token string) reply {
	s.t.Helper()
	signedOut := &person{service: s, client: p.client}
	return signedOut.do(`mutation($t: String!) { refreshSession(input: {refreshToken: $t}) { session { accessToken refreshToken } `+errorFields+` } }`, vars{"t": token})
}

func TestRefreshTokensAreGoodOnce(t *testing.T) {
	everyDatabase(t, func(t *testing.T, url string) {
		s, now := startPlain(t, url)
		ada := s.signUp("ada@example.org")
		second := s.refreshed(ada, ada.refresh)
		newest := second.str("refreshSession", "session", "refreshToken")
		if newest == ada.refresh {
			t.Fatal("the refresh token did not change")
		}
		ada.token = second.str("refreshSession", "session", "accessToken")
		ada.do(`{ viewer { id } }`, nil)
		now.move(5 * time.Minute) // past what is forgiven to a client that repeats itself
		if r := s.refreshed(ada, ada.refresh); r.str("refreshSession", "errors", 0, "__typename") != "InvalidCredentialsError" || r.at("refreshSession", "session") != nil {
			t.Errorf("the old token: %v", r.Data)
		}
		// Two have had the old one: the session is over for both.
		if r := ada.try(`{ viewer { id } }`, nil); r.code() != "UNAUTHENTICATED" {
			t.Errorf("after the reuse: %v %v", r.Data, r.Errors)
		}
		if r := s.refreshed(ada, newest); r.at("refreshSession", "session") != nil {
			t.Errorf("the newest token after the reuse: %v", r.Data)
		}
	})
}

func TestSignOutEndsAccessAtOnce(t *testing.T) {
	s, _ := startPlain(t, "")
	ada := s.signUp("ada@example.org")
	_, run := ada.ask("", "hello")
	ada.answered(run)
	elsewhere := &person{service: s, client: ada.client}
	in := elsewhere.do(`mutation { signIn(input: {email: "ada@example.org", password: "correct horse battery"}) { `+sessionFields+` } }`, nil)
	elsewhere.token, elsewhere.refresh = in.str("signIn", "session", "accessToken"), in.str("signIn", "session", "refreshToken")

	sock, theirs := ada.dial(), elsewhere.dial() // open before the session ends
	defer sock.close()
	defer theirs.close()

	ada.do(`mutation { signOut(input: {}) { done } }`, nil)
	sock.subscribe(run, 0)
	if m := sock.receive(); m["type"] != "error" || dig(t, m, "payload", 0, "extensions", "code") != "UNAUTHENTICATED" {
		t.Errorf("an open socket: %v", m)
	}
	theirs.subscribe(run, 0)
	if e, more := theirs.next(); !more || e.seq() != 1 {
		t.Errorf("the socket of another session: %v", e)
	}
	if r := ada.try(`{ viewer { id } }`, nil); r.code() != "UNAUTHENTICATED" {
		t.Errorf("HTTP: %v %v", r.Data, r.Errors)
	}
	if code := ada.refusedSocket(); code != 4403 {
		t.Errorf("a new socket was closed with %d", code)
	}
	if r := s.refreshed(ada, ada.refresh); r.at("refreshSession", "session") != nil {
		t.Errorf("refreshing: %v", r.Data)
	}
	elsewhere.do(`{ viewer { id } }`, nil) // another session goes on
	elsewhere.do(`mutation { signOut(input: {everywhere: true}) { done } }`, nil)
	if r := elsewhere.try(`{ viewer { id } }`, nil); r.code() != "UNAUTHENTICATED" {
		t.Errorf("everywhere: %v %v", r.Data, r.Errors)
	}
}

// TestSignOutEndsStreams: what a run tells is not for whoever still holds a token
// that was signed out.
func TestSignOutEndsStreams(t *testing.T) {
	now, goOn := &settable{}, make(chan struct{})
	s := start(t, "", func(c *Config, p *Parts) {
		withModel(t, fakellm.Raw("").Await(goOn).Followed(says("A secret.")))(c, p)
		p.Sandbox, p.Clock = absent{}, now
	})
	ada := s.signUp("ada@example.org")
	_, run := ada.ask("", "hello")
	sock := ada.dial()
	defer sock.close()
	sock.subscribe(run, 0)
	for _, kind := range []string{"RunStarted", "StepStarted"} {
		if e, more := sock.next(); !more || e.kind() != kind {
			t.Fatalf("got %v, want %s", e, kind)
		}
	}
	ada.do(`mutation { signOut(input: {}) { done } }`, nil)
	now.move(streamCheck)
	close(goOn)
	if m := sock.receive(); m["type"] != "error" || dig(t, m, "payload", 0, "extensions", "code") != "UNAUTHENTICATED" {
		t.Errorf("after signing out came %v", m)
	}
}

func TestGuessingPasswordsIsSlowedDown(t *testing.T) {
	s, now := startPlain(t, "")
	ada := s.signUp("ada@example.org")
	signIn := func(password string) reply {
		eve := &person{service: s, client: ada.client}
		return eve.do(`mutation($p: String!) { signIn(input: {email: "ada@example.org", password: $p}) { session { accessToken } `+errorFields+` } }`, vars{"p": password})
	}
	limited := 0
	for range 12 {
		r := signIn("not the password")
		switch kind := r.str("signIn", "errors", 0, "__typename"); kind {
		case "InvalidCredentialsError":
		case "RateLimitedError":
			if limited++; r.at("signIn", "errors", 0, "retryAfter").(float64) < 1 {
				t.Errorf("no time to wait: %v", r.Data)
			}
		default:
			t.Fatalf("%v", r.Data)
		}
	}
	if limited == 0 {
		t.Error("twelve guesses in a row were taken")
	}
	if r := signIn("correct horse battery"); r.str("signIn", "errors", 0, "code") != "RATE_LIMITED" {
		t.Errorf("the right password while limited: %v", r.Data)
	}
	now.move(10 * time.Minute)
	if r := signIn("correct horse battery"); r.at("signIn", "session") == nil {
		t.Errorf("ten minutes later: %v", r.Data)
	}
}

func TestLinksOfADeletedChatLeadNowhere(t *testing.T) {
	s := start(t, "", withModel(t, python(`written = open("/mnt/data/secret.txt", "w").write("hers")`), says("done")))
	ada := s.signUp("ada@example.org")
	chat, run := ada.ask("", "Write a file")
	ada.answered(run)
	link := ada.run(run).str("node", "steps", 0, "outputs", 0, "artifact", "url")
	fetch := func() (int, string) {
		res, err := ada.client.Get(s.url + link)
		if err != nil {
			t.Fatal(err)
		}
		defer res.Body.Close()
		body, err := io.ReadAll(res.Body)
		if err != nil {
			t.Fatal(err)
		}
		return res.StatusCode, string(body)
	}
	if status, body := fetch(); status != http.StatusOK || body != "hers" {
		t.Fatalf("before: %d %q", status, body)
	}
	ada.do(`mutation($c: ID!) { deleteChat(input: {chatId: $c}) { deletedChatId } }`, vars{"c": chat})
	if status, body := fetch(); status != http.StatusNotFound || strings.Contains(body, "hers") {
		t.Errorf("afterwards: %d %q", status, body)
	}
}
