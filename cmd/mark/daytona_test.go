package main

import (
	"bytes"
	"context"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/alecthomas/kong"

	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/sandbox/daytona/daytonatest"
)

// daytonaWith is a configuration with Daytona that works but for what change does.
func daytonaWith(change func(*DaytonaConfig)) func(*Config) {
	return func(c *Config) {
		c.Sandbox.Provider = providerDaytona
		c.Sandbox.Daytona = DaytonaConfig{APIKey: "key", APIURL: "http://127.0.0.1:1/api"}
		change(&c.Sandbox.Daytona)
	}
}

// parsed is the configuration of a command line and the environment.
func parsed(t *testing.T, args ...string) Config {
	t.Helper()
	var c Config
	parser, err := kong.New(&c)
	if err != nil {
		t.Fatal(err)
	}
	if _, err := parser.Parse(args); err != nil {
		t.Fatal(err)
	}
	c.DataDir = t.TempDir()
	return c
}

func TestDaytonaFromTheEnvironment(t *testing.T) {
	for name, value := range map[string]string{
		"MARK_SANDBOX": "daytona", "DAYTONA_API_KEY": "k", "DAYTONA_API_URL": "https://daytona.example/api",
		"MARK_DAYTONA_TARGET": "eu", "MARK_DAYTONA_POOL": "2", "MARK_DAYTONA_ALLOW_NETWORK": "true", "MARK_DAYTONA_IMAGE": "example/plotly:1",
		"MARK_DAYTONA_SNAPSHOT": "",
	} {
		t.Setenv(name, value)
	}
	c := parsed(t)
	if err := c.check(); err != nil {
		t.Fatal(err)
	}
	want := DaytonaConfig{
		APIKey: "k", APIURL: "https://daytona.example/api", Target: "eu", Pool: 2, AllowNetwork: true, Image: "example/plotly:1",
	}
	if c.Sandbox.Provider != providerDaytona || c.Sandbox.Daytona != want {
		t.Errorf("it is %+v", c.Sandbox)
	}
	t.Setenv("MARK_DAYTONA_IMAGE", "")
	c = parsed(t)
	if err := c.check(); err != nil || c.Sandbox.Daytona.Snapshot != "mark-plotly" {
		t.Errorf("without an image it is %+v (%v)", c.Sandbox.Daytona, err)
	}
	t.Setenv("MARK_SANDBOX", "gvisor")
	t.Setenv("DAYTONA_API_KEY", "")
	c = parsed(t)
	if err := c.check(); err != nil {
		t.Errorf("gVisor needs no key of Daytona's: %v", err)
	}
}

// The configured Daytona is spoken to, with the configured key; what the service
// says of it is Daytona's own.
func TestDaytonaIsTheProvider(t *testing.T) {
	s := daytonatest.New(t, daytonatest.Options{Snapshots: []string{"another"}})
	c := parsed(t, "--sandbox=daytona", "--daytona-api-key="+s.Key(), "--daytona-api-url="+s.APIURL())
	if err := c.check(); err != nil {
		t.Fatal(err)
	}
	logger := slog.New(slog.NewTextHandler(io.Discard, nil))
	p, err := openSandbox(t.Context(), c, logger, func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	if i := p.Isolation(); i.Provider != "daytona" || !i.Ready || !strings.Contains(i.Detail, "the snapshot mark-plotly") {
		t.Errorf("the isolation is %+v", i)
	}
	if _, err := p.Open(t.Context(), execution.Spec{}); err == nil || !strings.Contains(err.Error(), "mark-plotly") {
		t.Errorf("without the snapshot, a session gave %v", err)
	}
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	c.Sandbox.Daytona.APIKey = "wrong"
	p, err = openSandbox(t.Context(), c, logger, func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	defer p.Close()
	if i := p.Isolation(); i.Ready || !strings.Contains(i.Detail, "DAYTONA_API_KEY") {
		t.Errorf("with a wrong key, the isolation is %+v", i)
	}
}

// `mark sandbox check` beside a service that runs must not take the service's
// sandboxes for orphans.
func TestCheckLeavesTheServiceAlone(t *testing.T) {
	s := daytonatest.New(t, daytonatest.Options{Snapshots: []string{"none"}})
	c := parsed(t, "--sandbox=daytona", "--daytona-api-key="+s.Key(), "--daytona-api-url="+s.APIURL())
	if err := c.check(); err != nil {
		t.Fatal(err)
	}
	logger := slog.New(slog.NewTextHandler(io.Discard, nil))
	service, err := openSandbox(t.Context(), c, logger, func(string) {})
	if err != nil {
		t.Fatal(err)
	}
	defer service.Close()
	node, err := os.ReadFile(filepath.Join(c.Sandbox.Dir, "daytona", "node"))
	if err != nil {
		t.Fatal(err)
	}
	s.Plant("in-use", map[string]string{"managed-by": "mark", "node": strings.TrimSpace(string(node))})
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	var out bytes.Buffer
	e := &environment{ctx: ctx, config: c, stdout: &out, stderr: io.Discard}
	if err := (sandboxCheckCmd{}).Run(e); err == nil || !strings.Contains(err.Error(), "mark-plotly") {
		t.Errorf("the check gave %v", err)
	}
	if n := len(s.Sandboxes()); n != 1 {
		t.Errorf("%d sandboxes are left, want the service's", n)
	}
	if left, err := filepath.Glob(filepath.Join(c.Sandbox.Dir, "daytona", "session-*")); err != nil || len(left) > 0 {
		t.Errorf("%v are left (%v)", left, err)
	}
}
