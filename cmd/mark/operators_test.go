package main

import (
	"io"
	"net/http"
	"strings"
	"testing"

	"github.com/mark-analyst/mark/internal/fakellm"
	"github.com/mark-analyst/mark/test/cluster"
)

// Operators see the jobs that had to wait on an address of their own, and nobody
// does elsewhere.
func TestOperatorsSeeTheJobs(t *testing.T) {
	free, err := cluster.FreeAddrs(t.Context(), 1)
	if err != nil {
		t.Fatal(err)
	}
	address := free[0]
	asked := make(chan struct{})
	s := start(t, "", func(c *Config, p *Parts) {
		withModel(t, fakellm.Answer{}.Await(asked).Followed(says("An answer.")), says("Another."))(c, p)
		c.Limits.ConcurrentRuns = 1
		p.Sandbox = absent{}
		c.OperatorAddr = address
	})
	ada := s.signUp("ada@example.org")
	_, first := ada.ask("", "hello") // begins at once, so it is no job of the queue
	_, run := ada.ask("", "hello again")
	close(asked)
	ada.answered(first)
	ada.answered(run)
	get := func(url string) (int, string) {
		t.Helper()
		res, err := http.Get(url)
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
	eventually(t, t.Context(), "the run's job is listed", func() bool {
		status, body := get("http://" + address + "/river/api/jobs?state=completed")
		return status == http.StatusOK && strings.Contains(body, run)
	})
	if status, body := get("http://" + address + "/river/"); status != http.StatusOK || !strings.Contains(body, "<html") {
		t.Errorf("the page: %d", status)
	}
	if status, _ := get(s.url + "/river/api/jobs"); status != http.StatusNotFound {
		t.Errorf("the service's own address: %d", status)
	}
	foreign, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+address+"/river/api/jobs/cancel", strings.NewReader(`{"ids":["1"]}`))
	if err != nil {
		t.Fatal(err)
	}
	foreign.Header.Set("Origin", "https://elsewhere.example")
	foreign.Header.Set("Content-Type", "application/json")
	res, err := http.DefaultClient.Do(foreign)
	if err != nil {
		t.Fatal(err)
	}
	res.Body.Close()
	if res.StatusCode != http.StatusForbidden {
		t.Errorf("a page of another origin may cancel jobs: %d", res.StatusCode)
	}
	http.DefaultClient.CloseIdleConnections()
}
