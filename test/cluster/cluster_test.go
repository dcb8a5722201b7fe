package cluster_test

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/mark-analyst/mark/internal/testpg"
	"github.com/mark-analyst/mark/sandbox/gvisor/gvisortest"
	"github.com/mark-analyst/mark/test/cluster"
)

// build makes the program mark.
func build(t testing.TB) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "mark")
	cmd := exec.CommandContext(t.Context(), "go", "build", "-buildvcs=false", "-o", path, "github.com/mark-analyst/mark/cmd/mark")
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Fatalf("%v: %s", err, out)
	}
	return path
}

// client asks the cluster, each time over a new connection.
type client struct {
	t     testing.TB
	url   string
	token string
	http  *http.Client
}

type vars map[string]any

// do asks and returns what is at a path of the answer's data.
func (c *client) do(query string, v vars, path ...string) any {
	c.t.Helper()
	body, err := json.Marshal(vars{"query": query, "variables": v})
	if err != nil {
		c.t.Fatal(err)
	}
	req, err := http.NewRequestWithContext(c.t.Context(), http.MethodPost, c.url+"/graphql", bytes.NewReader(body))
	if err != nil {
		c.t.Fatal(err)
	}
	req.Header.Set("Content-Type", "application/json")
	if c.token != "" {
		req.Header.Set("Authorization", "Bearer "+c.token)
	}
	res, err := c.http.Do(req)
	if err != nil {
		c.t.Fatal(err)
	}
	defer res.Body.Close()
	var got struct {
		Data   any
		Errors []any
	}
	if err := json.NewDecoder(res.Body).Decode(&got); err != nil || len(got.Errors) > 0 {
		c.t.Fatalf("%s: %v %v", query, err, got.Errors)
	}
	at := got.Data
	for _, name := range path {
		object, ok := at.(map[string]any)
		if !ok {
			c.t.Fatalf("%s: no %v in %v", query, path, got.Data)
		}
		at = object[name]
	}
	return at
}

// becomes waits until the state of a node of the graph is one of those.
func (c *client) becomes(kind, id string, states ...string) string {
	c.t.Helper()
	deadline := time.After(2 * time.Minute)
	retry := time.NewTicker(50 * time.Millisecond)
	defer retry.Stop()
	for {
		got := c.do(`query($id: ID!) { node(id: $id) { ... on `+kind+` { state } } }`, vars{"id": id}, "node", "state")
		for _, state := range states {
			if got == state {
				return state
			}
		}
		select {
		case <-deadline:
			c.t.Fatalf("%s is %v, and does not become %v", id, got, states)
		case <-retry.C:
		}
	}
}

// answered asks a question and waits for its answer.
func (c *client) answered(dataset string) {
	c.t.Helper()
	run := c.do(`mutation($d: ID!) { sendMessage(input: {text: "What is the mean body mass by species?", datasetIds: [$d]}) { run { id } } }`,
		vars{"d": dataset}, "sendMessage", "run", "id").(string)
	if state := c.becomes("Run", run, "SUCCEEDED", "FAILED", "CANCELLED"); state != "SUCCEEDED" {
		c.t.Errorf("the run ended %s", state)
	}
}

// lines keeps what the nodes print.
type lines struct {
	mu  sync.Mutex
	all bytes.Buffer
}

func (l *lines) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.Write(p)
}

func (l *lines) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.all.String()
}

// begin starts a cluster that ends with the test, and leaves nothing.
func begin(t testing.TB, nodes int) (*cluster.Cluster, *lines) {
	t.Helper()
	launcher, sandbox := gvisortest.Launcher(t), gvisortest.Dir(t)
	gvisortest.Tree(t)
	output := &lines{}
	c, err := cluster.Start(t.Context(), cluster.Config{
		Nodes: nodes, Binary: build(t), SandboxDir: sandbox, Output: output,
		Env: []string{"MARK_SANDBOX_LAUNCHER=" + launcher, "MARK_LOG_FORMAT=json"},
	})
	if err != nil {
		t.Fatal(err, output.String())
	}
	t.Cleanup(func() {
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		if err := c.Close(ctx); err != nil {
			t.Error(err)
		}
		if err := c.Close(ctx); err != nil {
			t.Errorf("closed twice: %v", err)
		}
		for _, n := range c.Nodes {
			if _, err := os.Stat(n.Dir); n.Running() || err == nil {
				t.Errorf("%s is still there", n.Name)
			}
		}
		if t.Failed() {
			t.Log(output.String())
		}
	})
	return c, output
}

// signUp makes a person, who asks at an address.
func signUp(t testing.TB, url string) *client {
	t.Helper()
	c := &client{t: t, url: url, http: &http.Client{Timeout: time.Minute, Transport: &http.Transport{DisableKeepAlives: true}}}
	c.token = c.do(`mutation { signUp(input: {email: "ada@example.org", password: "correct horse battery"}) { session { accessToken } } }`,
		nil, "signUp", "session", "accessToken").(string)
	return c
}

// sample adds a dataset that is ready.
func (c *client) sample() string {
	c.t.Helper()
	dataset := c.do(`mutation { addSampleDataset(input: {name: "penguins"}) { dataset { id } } }`, nil, "addSampleDataset", "dataset", "id").(string)
	c.becomes("Dataset", dataset, "READY")
	return dataset
}

// runs has a program run beside a dataset, and returns the run once it has printed.
func (c *client) runs(dataset, program string) string {
	c.t.Helper()
	run := c.do(`mutation($text: String!, $d: ID!) { sendMessage(input: {text: $text, datasetIds: [$d]}) { run { id } } }`,
		vars{"text": "```python\n" + program + "\n```", "d": dataset}, "sendMessage", "run", "id").(string)
	c.reaches(run, 15) // what precedes the output is fewer events
	return run
}

// reaches waits until a run has so many events, and returns how many it has.
func (c *client) reaches(run string, events int) int {
	c.t.Helper()
	deadline := time.After(2 * time.Minute)
	retry := time.NewTicker(100 * time.Millisecond) // a person may ask twenty times a second
	defer retry.Stop()
	for {
		last := int(c.do(`query($id: ID!) { node(id: $id) { ... on Run { lastSeq } } }`, vars{"id": run}, "node", "lastSeq").(float64))
		if last >= events {
			return last
		}
		select {
		case <-deadline:
			c.t.Fatalf("%s has %d events, and does not reach %d", run, last, events)
		case <-retry.C:
		}
	}
}

// counting is a program that prints for a minute.
const counting = "import time\nfor i in range(600):\n    print(i)\n    time.sleep(0.1)"

// secondSignal checks that a first SIGTERM waits for the runs that go on, and that a
// second one does not.
func secondSignal(t *testing.T, c *cluster.Cluster, n *cluster.Node, who client, dataset string) {
	t.Helper()
	if err := n.Stop(t.Context()); err != nil {
		t.Fatal(err)
	}
	defer n.Set("MARK_SHUTDOWN_GRACE=20m")()
	if err := n.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	who.url = n.URL()
	who.runs(dataset, counting)
	first := make(chan error, 1)
	go func() { first <- n.Stop(t.Context()) }()
	settles(t, c, n, "a first signal", false)
	select {
	case err := <-first:
		t.Errorf("it left its runs at the first signal: %v", err)
	default:
	}
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
	defer cancel()
	if err := n.Stop(ctx); errors.Is(err, context.DeadlineExceeded) {
		t.Error("a second signal did not end it")
	}
}

// TestCluster is what the package promises: nodes that are one service, and each
// fault of its.
func TestCluster(t *testing.T) {
	c, output := begin(t, 3)
	ada := signUp(t, c.Balancer.URL())
	dataset := ada.sample()
	ada.answered(dataset)

	// One is killed: the others go on, the balancer with them.
	if err := c.Nodes[0].Kill(); err != nil {
		t.Fatal(err)
	}
	if c.Nodes[0].Running() || c.Nodes[0].Kill() == nil {
		t.Error("a killed node runs")
	}
	for range 3 {
		ada.answered(dataset)
	}

	// Cut off from PostgreSQL a node is not ready, and then it is again.
	cutOff := c.Nodes[1]
	for name, fault := range map[string]func(){"cut": cutOff.Database.Cut, "a black hole": cutOff.Database.BlackHole} {
		fault()
		settles(t, c, cutOff, name, false)
		ada.do(`{ viewer { id } }`, nil, "viewer", "id") // by another
		cutOff.Database.Mend()
		settles(t, c, cutOff, name, true)
	}
	if err := c.Postgres.Restart(t.Context(), testpg.Immediate); err != nil {
		t.Fatal(err)
	}
	for _, n := range c.Nodes[1:] {
		if err := n.AwaitReady(t.Context()); err != nil {
			t.Fatal(err)
		}
		settles(t, c, n, "PostgreSQL's restart", true)
	}

	// Paused, it says nothing, and goes on where it was.
	pid := cutOff.PID()
	if err := cutOff.Pause(); err != nil {
		t.Fatal(err)
	}
	settles(t, c, cutOff, "a pause", false)
	ada.do(`{ viewer { id } }`, nil, "viewer", "id")
	if err := cutOff.Resume(); err != nil {
		t.Fatal(err)
	}
	settles(t, c, cutOff, "a pause", true)
	if cutOff.PID() != pid {
		t.Error("it is another process")
	}

	// Stopped as by an operator, and started at the same address.
	if err := cutOff.Stop(t.Context()); err != nil {
		t.Errorf("stop: %v", err)
	}
	if err := cutOff.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	if err := c.Nodes[0].Start(t.Context()); err != nil { // in the folder that it was killed in
		t.Fatal(err)
	}
	ada.answered(dataset)
	secondSignal(t, c, c.Nodes[2], *ada, dataset)
	if !strings.Contains(output.String(), "node-1 | ") {
		t.Errorf("the nodes' output has no names: %s", output.String())
	}
}

// settles waits until the balancer knows that a node is ready, or that it is not.
func settles(t *testing.T, c *cluster.Cluster, n *cluster.Node, what string, ready bool) {
	t.Helper()
	deadline := time.After(time.Minute)
	retry := time.NewTicker(20 * time.Millisecond)
	defer retry.Stop()
	for slices.Contains(c.Balancer.Ready(), n.Addr) != ready {
		select {
		case <-deadline:
			t.Fatalf("%s after %s: waited in vain for ready: %t", n.Name, what, ready)
		case <-retry.C:
		}
	}
}
