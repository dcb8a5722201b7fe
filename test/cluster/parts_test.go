package cluster

import (
	"bufio"
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"

	"go.uber.org/goleak"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

// eventually polls what only other processes and the kernel can tell.
func eventually(t testing.TB, what string, reached func() bool) {
	t.Helper()
	deadline := time.After(time.Minute)
	retry := time.NewTicker(20 * time.Millisecond)
	defer retry.Stop()
	for !reached() {
		select {
		case <-deadline:
			t.Fatalf("waited in vain until %s", what)
		case <-retry.C:
		}
	}
}

// echo answers each line with itself, on a Unix socket.
func echo(t *testing.T) (path string) {
	t.Helper()
	path = filepath.Join(t.TempDir(), "s")
	l, err := net.Listen("unix", path)
	must(t, err)
	t.Cleanup(func() { l.Close() })
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			go func() { defer c.Close(); io.Copy(c, c) }()
		}
	}()
	return path
}

// line is a connection that is spoken to line by line, each in a message as
// PostgreSQL sends it.
type line struct {
	net.Conn
	in *bufio.Reader
}

func dial(t *testing.T, addr string) *line {
	t.Helper()
	c, err := net.Dial("tcp", addr)
	must(t, err)
	t.Cleanup(func() { c.Close() })
	return &line{c, bufio.NewReader(c)}
}

func (l *line) say(text string) error { return l.send('d', text) }

func (l *line) send(kind byte, text string) error {
	_, err := io.WriteString(l, message(kind, text+"\n"))
	return err
}

func (l *line) hear(within time.Duration) (string, error) {
	if err := l.SetReadDeadline(time.Now().Add(within)); err != nil {
		return "", err
	}
	if _, err := l.in.Discard(headSize); err != nil {
		return "", err
	}
	text, err := l.in.ReadString('\n')
	return strings.TrimSuffix(text, "\n"), err
}

func TestLink(t *testing.T) {
	l, err := NewLink(t.Context(), echo(t))
	must(t, err)
	defer l.Close()
	const long, short = 10 * time.Second, 100 * time.Millisecond
	hears := func(c *line, text string) {
		t.Helper()
		if got, err := c.hear(long); got != text || err != nil {
			t.Fatalf("heard %q, %v", got, err)
		}
	}
	isSilent := func(c *line) {
		t.Helper()
		var timeout net.Error
		if got, err := c.hear(short); !errors.As(err, &timeout) || !timeout.Timeout() {
			t.Fatalf("in a black hole: %q, %v", got, err)
		}
	}
	isOver := func(c *line) {
		t.Helper()
		var timeout net.Error
		if got, err := c.hear(long); err == nil || errors.As(err, &timeout) && timeout.Timeout() {
			t.Fatalf("after a cut: %q, %v", got, err)
		}
	}
	one := dial(t, l.Addr())
	must(t, one.say("a"))
	hears(one, "a")

	l.BlackHole()
	must(t, one.say("b"))
	isSilent(one)
	other := dial(t, l.Addr())
	must(t, other.say("c"))
	isSilent(other)
	l.Mend()
	hears(one, "b") // late, and not lost
	hears(other, "c")

	l.Cut()
	isOver(one)
	isOver(dial(t, l.Addr()))
	l.Mend()
	again := dial(t, l.Addr())
	must(t, again.say("d"))
	hears(again, "d")

	l.Deafen()
	must(t, again.send(notification, "news"))
	must(t, again.say("e"))
	hears(again, "e") // and nothing before
	l.Mend()
	must(t, again.send(notification, "news"))
	hears(again, "news")

	l.BlackHole()
	must(t, again.say("f"))
	must(t, l.Close()) // ends what is in a black hole too
	isOver(again)
	must(t, l.Close())
	l.Mend()
}

// fakeNode is a node that says its name, and is ready or not.
type fakeNode struct {
	*httptest.Server
	unready atomic.Bool
	silent  atomic.Bool
}

func (n *fakeNode) addr() string { return n.Listener.Addr().String() }

func newFakeNode(t *testing.T, name string) *fakeNode {
	t.Helper()
	n := &fakeNode{}
	end := make(chan struct{})
	n.Server = httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if n.silent.Load() {
			<-end
			return
		}
		if n.unready.Load() && r.URL.Path == "/readyz" {
			w.WriteHeader(503)
		}
		fmt.Fprint(w, name)
	}))
	t.Cleanup(sync.OnceFunc(func() { close(end); n.Close() }))
	return n
}

func TestBalancer(t *testing.T) {
	nodes := map[string]*fakeNode{"a": newFakeNode(t, "a"), "b": newFakeNode(t, "b"), "c": newFakeNode(t, "c")}
	b, err := NewBalancer(t.Context(), "", []string{nodes["a"].addr(), nodes["b"].addr(), nodes["c"].addr()})
	must(t, err)
	defer b.Close()
	ask := func(client *http.Client) (string, error) {
		res, err := client.Get(b.URL())
		if err != nil {
			return "", err
		}
		defer res.Body.Close()
		text, err := io.ReadAll(res.Body)
		return string(text), err
	}
	fresh := &http.Client{Transport: &http.Transport{DisableKeepAlives: true}}
	// who tells who answers six new connections.
	who := func() string {
		seen := map[string]bool{}
		for range 6 {
			name, err := ask(fresh)
			if err != nil {
				t.Fatal(err)
			}
			seen[name] = true
		}
		all := ""
		for _, name := range []string{"a", "b", "c"} {
			if seen[name] {
				all += name
			}
		}
		return all
	}
	eventually(t, "all are known to be ready", func() bool { return who() == "abc" })
	nodes["a"].unready.Store(true)
	eventually(t, "one that is not ready gets no more connections", func() bool { return who() == "bc" })
	nodes["b"].CloseClientConnections()
	nodes["b"].Listener.Close()
	if got := who(); got != "c" { // at once: the next one is dialled
		t.Errorf("with one gone %q answers", got)
	}
	nodes["a"].unready.Store(false)
	eventually(t, "one that is ready again gets connections", func() bool { return who() == "ac" })

	// A connection to a node that falls silent ends.
	nodes["c"].unready.Store(true)
	eventually(t, "only a is left", func() bool { return who() == "a" })
	held := &http.Client{Transport: &http.Transport{}}
	defer held.CloseIdleConnections()
	if got, err := ask(held); got != "a" || err != nil {
		t.Fatal(got, err)
	}
	nodes["a"].silent.Store(true)
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, b.URL(), nil)
	must(t, err)
	if res, err := held.Do(req); err == nil || ctx.Err() != nil {
		t.Errorf("a silent node: %v, %v", res, err)
	}
}

func TestOutputIsWholeLines(t *testing.T) {
	var out strings.Builder
	p := &prefixed{to: &out, prefix: "n | "}
	for _, part := range []string{"a", "b\nc\n", "", "d"} {
		if n, err := p.Write([]byte(part)); n != len(part) || err != nil {
			t.Errorf("%q: %d, %v", part, n, err)
		}
	}
	if want := "n | ab\nn | c\n"; out.String() != want {
		t.Errorf("%q, want %q", out.String(), want)
	}
}
