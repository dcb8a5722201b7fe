// Package interop_test runs the official clients and audits of the GraphQL
// Foundation's neighbourhood against the server. They are npm packages:
//
//	npm ci --prefix server/interop && MARK_TEST_INTEROP=required go test ./server/interop
package interop_test

import (
	"context"
	"errors"
	"net"
	"os"
	"os/exec"
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

// authenticate knows "alice", and "brief" whose token ends in a moment.
func authenticate(ctx context.Context, token string) (context.Context, time.Time, error) {
	switch token {
	case "alice":
		return context.WithValue(ctx, viewer{}, token), time.Now().Add(time.Hour), nil
	case "brief":
		return context.WithValue(ctx, viewer{}, token), time.Now().Add(300 * time.Millisecond), nil
	}
	return nil, time.Time{}, fault.New(fault.Unauthenticated, "The access token is not valid.")
}

func whoami(ctx context.Context) string {
	name, _ := ctx.Value(viewer{}).(string)
	return name
}

func TestOfficialClients(t *testing.T) {
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
	for _, script := range []string{"audit.mjs", "ws.mjs", "sse.mjs", "upload.mjs"} {
		t.Run(script, func(t *testing.T) {
			t.Parallel()
			url := serve(t)
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

func serve(t *testing.T) string {
	limits := server.DefaultLimits()
	limits.Address = limit.Rate{PerSecond: 1000, Burst: 1000}
	limits.UploadBytes = 4 << 20
	limits.UploadFiles = 4
	s := server.New(server.Config{
		Schema:       testschema.New(&testschema.Resolvers{Whoami: whoami}),
		Authenticate: authenticate,
		Viewer:       whoami,
		Limits:       limits,
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
	return "http://" + l.Addr().String() + "/graphql"
}
