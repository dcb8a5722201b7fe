// Package interop_test runs the official clients and audits of the GraphQL
// Foundation's neighbourhood against the server. They are npm packages:
//
//	npm ci --prefix server/interop && MARK_TEST_INTEROP=required go test ./server/interop
package interop_test

import (
	"bufio"
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"os"
	"os/exec"
	"slices"
	"strings"
	"testing"
	"time"

	"go.uber.org/goleak"

	"github.com/mark-analyst/mark/internal/fault"
	"github.com/mark-analyst/mark/server"
	"github.com/mark-analyst/mark/server/internal/testschema"
	"github.com/mark-analyst/mark/server/limit"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

type viewer struct{}

// authenticate knows "alice", and "brief" whose token ends when it has been of use.
func authenticate(ctx context.Context, token string) (context.Context, time.Time, error) {
	switch token {
	case "alice":
		return context.WithValue(ctx, viewer{}, token), time.Now().Add(time.Hour), nil
	case "brief":
		return context.WithValue(ctx, viewer{}, token), time.Now().Add(3 * time.Second), nil
	}
	return nil, time.Time{}, fault.New(fault.Unauthenticated, "The access token is not valid.")
}

func whoami(ctx context.Context) string {
	name, _ := ctx.Value(viewer{}).(string)
	return name
}

func TestOfficialClients(t *testing.T) {
	node := findNode(t)
	for _, script := range []string{"audit.mjs", "ws.mjs", "sse.mjs", "upload.mjs"} {
		t.Run(script, func(t *testing.T) {
			t.Parallel()
			_, url := serve(t, &testschema.Resolvers{}, io.Discard, nil)
			ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
			defer cancel()
			cmd := exec.CommandContext(ctx, node, script, url)
			cmd.WaitDelay = time.Second
			out, err := cmd.CombinedOutput()
			t.Logf("%s", out)
			if err != nil {
				t.Fatalf("node %s: %v", script, errors.Join(err, ctx.Err()))
			}
		})
	}
}

func findNode(t *testing.T) string {
	t.Helper()
	node, err := exec.LookPath("node")
	if err == nil {
		_, err = os.Stat("node_modules")
	}
	if err != nil {
		if os.Getenv("MARK_TEST_INTEROP") == "required" {
			t.Fatalf("%v: run npm ci --prefix server/interop", err)
		}
		t.Skipf("%v: run npm ci --prefix server/interop", err)
	}
	return node
}

// The official clients take the end of a server, and being cut off for reading too
// slowly, as a reason to connect again, and lose nothing by it.
func TestOfficialClientsResume(t *testing.T) {
	node := findNode(t)
	const last = 60
	j := &testschema.Journal{}
	resolvers := &testschema.Resolvers{Journals: map[string]*testschema.Journal{"j": j}}
	first, firstURL := serve(t, resolvers, io.Discard, nil)
	cutOff := make(ends, 1)
	_, secondURL := serve(t, resolvers, cutOff, func(l *server.Limits) {
		l.SendTimeout, l.SocketQueue = 500*time.Millisecond, 1
		l.WriteTimeout = time.Minute // the event stream is slow only because the machine is
	})
	j.Append("1", "2", "3")

	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	cmd := exec.CommandContext(ctx, node, "resume.mjs", firstURL, secondURL)
	cmd.Env = append(os.Environ(), fmt.Sprintf("LAST=%d", last))
	cmd.WaitDelay = time.Second
	cmd.Stderr = os.Stderr
	out, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	in, err := cmd.StdinPipe()
	if err == nil {
		err = cmd.Start()
	}
	if err != nil {
		t.Fatal(err)
	}
	var said []string
	for lines := bufio.NewScanner(out); lines.Scan(); {
		said = append(said, lines.Text())
		switch lines.Text() {
		case "first":
			if err := first.Shutdown(ctx); err != nil {
				t.Error(err)
			}
			j.Append("4", "5", "6")
		case "paused":
			for n := 7; n <= last; n++ { // more than the buffers between them hold
				j.Append(strings.Repeat("x", 300_000))
			}
			select {
			case <-cutOff: // and there is a grace of two seconds to hear of it
				fmt.Fprintln(in, "go on")
			case <-ctx.Done():
				t.Error("the socket was not cut off")
			}
		}
	}
	if err := cmd.Wait(); err != nil || !slices.Equal(said, []string{"first", "paused", "resumed"}) {
		t.Errorf("said %q, %v", said, err)
	}
}

// ends is a log that tells when an operation over a WebSocket has ended.
type ends chan struct{}

func (e ends) Write(line []byte) (int, error) {
	if bytes.Contains(line, []byte(`"msg":"operation"`)) && bytes.Contains(line, []byte(`"transport":"websocket"`)) {
		select {
		case e <- struct{}{}:
		default:
		}
	}
	return len(line), nil
}

func serve(t *testing.T, resolvers *testschema.Resolvers, log io.Writer, change func(*server.Limits)) (*server.Server, string) {
	resolvers.Whoami = whoami
	limits := server.DefaultLimits()
	limits.Address = limit.Rate{PerSecond: 1000, Burst: 1000}
	limits.UploadBytes = 4 << 20
	limits.UploadFiles = 4
	if change != nil {
		change(&limits)
	}
	s := server.New(server.Config{
		Schema:       testschema.New(resolvers),
		Authenticate: authenticate,
		Viewer:       whoami,
		Limits:       limits,
		Logger:       slog.New(slog.NewJSONHandler(log, nil)),
	})
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	served := make(chan error, 1)
	go func() { served <- s.Serve(l) }()
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), 10*time.Second)
		defer cancel()
		if err := errors.Join(s.Shutdown(ctx), <-served); err != nil {
			t.Errorf("shutdown: %v", err)
		}
	})
	return s, "http://" + l.Addr().String() + "/graphql"
}
