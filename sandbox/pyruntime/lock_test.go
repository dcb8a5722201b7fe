package pyruntime

import (
	"bytes"
	"regexp"
	"strings"
	"testing"
)

// Every library is pinned to one version and to hashes, and nothing says where
// from: that is the machine's own configuration.
func TestLockIsPinned(t *testing.T) {
	text := strings.ReplaceAll(string(requirementsLock), "\\\n", " ")
	pinned := regexp.MustCompile(`^[a-z0-9-]+==[0-9][^ ]*( ;[^;]*?)?( +--hash=sha256:[0-9a-f]{64})+ *$`)
	count := 0
	for line := range strings.Lines(text) {
		line = strings.TrimSpace(line)
		if line == "" || strings.HasPrefix(line, "#") {
			continue
		}
		count++
		if !pinned.MatchString(line) {
			t.Errorf("not pinned: %.80s", line)
		}
	}
	if count < 12 {
		t.Errorf("the lock holds %d libraries", count)
	}
	if bytes.Contains(requirementsLock, []byte("://")) || bytes.Contains(requirementsLock, []byte("--index")) {
		t.Error("the lock names a place")
	}
}

func TestCPythonIsPinned(t *testing.T) {
	m := regexp.MustCompile(`require (\S+) (\S+)`).FindSubmatch(cpythonMod)
	if m == nil {
		t.Fatal("cpython.mod requires nothing")
	}
	want := string(m[1]) + " " + string(m[2])
	for _, line := range []string{want + " h1:", want + "/go.mod h1:"} {
		if !strings.Contains(string(cpythonSum), line) {
			t.Errorf("cpython.sum lacks %q", line)
		}
	}
}

func TestProgressReads(t *testing.T) {
	for want, p := range map[string]Progress{
		"[1/7] fetching CPython":                   {Step: "fetching CPython", Index: 1, Steps: 7},
		"[3/7] installing the libraries (4 of 31)": {Step: "installing the libraries", Index: 3, Steps: 7, Done: 4, Total: 31},
	} {
		if got := p.String(); got != want {
			t.Errorf("got %q, want %q", got, want)
		}
	}
}
