//go:build linux && (amd64 || arm64)

package gvisor

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"net"
	"os"
	"path/filepath"
	"slices"
	"sort"
	"strings"

	"golang.org/x/sys/unix"

	"github.com/mark-analyst/mark/internal/execution"
)

//go:embed selftest.py
var selftestCode string

// selftestReport is what selftest.py prints.
type selftestReport struct {
	Refused      map[string][]string `json:"refused"` // what was tried → ["refused" or "done", detail]
	Environment  []string            `json:"environment"`
	Interfaces   []string            `json:"interfaces"`
	Processes    []int               `json:"processes"`
	UID          int                 `json:"uid"`
	Capabilities []string            `json:"capabilities"` // sets, in hexadecimal
	Kernel       string              `json:"kernel"`       // uname -v
}

// selftestTries is how many attempts a report has to hold.
const selftestTries = 10

// verify makes sure, before anything else runs, that a session is isolated. The
// proof is kept with the checkpoint and holds for the kernel it was made on.
func (e *engine) verify(ctx context.Context) error {
	host, err := hostKernel()
	if err != nil {
		return err
	}
	proof := fmt.Sprintf("%s uid %d %d\n", host, os.Geteuid(), e.uid)
	path := filepath.Join(e.checkpoint, verifiedName)
	if kept, err := os.ReadFile(path); err == nil && string(kept) == proof {
		return nil
	}
	e.phase("checking that a session is isolated")
	report, err := e.attempt(ctx)
	if err != nil {
		return err
	}
	if breaches := report.breaches(host, e.environment()); len(breaches) > 0 {
		return &obstacle{
			what: "the self-test found that a session is not isolated: " + strings.Join(breaches, "; "),
			todo: "This must not happen; please report it with the kernel's version (`uname -a`).",
		}
	}
	return os.WriteFile(path, []byte(proof), 0o644)
}

func hostKernel() (string, error) {
	var u unix.Utsname
	if err := unix.Uname(&u); err != nil {
		return "", err
	}
	return unix.ByteSliceToString(u.Release[:]) + " " + unix.ByteSliceToString(u.Version[:]), nil
}

// environment returns the names of the variables that a session is given.
func (e *engine) environment() []string {
	var spec ociSpec
	_ = json.Unmarshal(e.spec, &spec) // sessionSpec made it
	var names []string
	for _, v := range spec.Process.Env {
		name, _, _ := strings.Cut(v, "=")
		names = append(names, name)
	}
	return names
}

// attempt runs selftest.py in a session, with a file and a listener of the host
// for it to find.
func (e *engine) attempt(ctx context.Context) (selftestReport, error) {
	canary := filepath.Join(e.folder, "canary")
	if err := os.WriteFile(canary, []byte("canary"), 0o644); err != nil {
		return selftestReport{}, err
	}
	listener, err := new(net.ListenConfig).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return selftestReport{}, err
	}
	defer listener.Close()
	s, err := e.open(ctx, execution.Spec{})
	if err != nil {
		return selftestReport{}, err
	}
	defer s.Close()
	code := fmt.Sprintf("canary = %q; port = %d\n%s", canary, listener.Addr().(*net.TCPAddr).Port, selftestCode)
	var out strings.Builder
	result, err := s.Run(ctx, code, execution.Listener(func(event execution.Event) {
		if event.Chunk != nil && event.Chunk.Stream == execution.Stdout {
			out.WriteString(event.Chunk.Text)
		}
	}))
	if err != nil {
		return selftestReport{}, err
	}
	if result.Failure != nil {
		return selftestReport{}, fmt.Errorf("the self-test failed: %s: %s", result.Failure.Name, result.Failure.Message)
	}
	var report selftestReport
	if err := json.Unmarshal([]byte(out.String()), &report); err != nil {
		return selftestReport{}, fmt.Errorf("the self-test's report: %w", err)
	}
	return report, nil
}

// breaches lists what a report shows of a session that is not isolated; host is
// the machine's own kernel, given the variables a session is meant to have.
func (r selftestReport) breaches(host string, given []string) []string {
	var found []string
	for attempt, outcome := range r.Refused {
		if len(outcome) != 2 || outcome[0] != "refused" {
			found = append(found, attempt+" worked")
		}
	}
	sort.Strings(found)
	if len(r.Refused) != selftestTries {
		found = append(found, fmt.Sprintf("%d of %d attempts were made", len(r.Refused), selftestTries))
	}
	for _, name := range r.Environment {
		if !slices.Contains(given, name) && name != "LC_CTYPE" { // Python sets that one itself
			found = append(found, "the variable "+name+" is visible")
		}
	}
	for _, name := range r.Interfaces {
		if name != "lo" {
			found = append(found, "the network interface "+name+" is visible")
		}
	}
	if len(r.Processes) != 1 {
		found = append(found, fmt.Sprintf("%d processes are visible", len(r.Processes)))
	}
	if r.UID != sessionUser {
		found = append(found, fmt.Sprintf("it runs as user %d", r.UID))
	}
	if len(r.Capabilities) != 3 || slices.ContainsFunc(r.Capabilities, func(set string) bool { return strings.Trim(set, "0") != "" }) {
		found = append(found, fmt.Sprintf("it has capabilities (%s)", strings.Join(r.Capabilities, " ")))
	}
	if r.Kernel == "" || strings.HasSuffix(host, r.Kernel) {
		found = append(found, "it talks to this machine's kernel")
	}
	return found
}

// todoFor knows what to do about some of the launcher's failures.
func todoFor(message string) string {
	if strings.Contains(message, unix.ENOSPC.Error()) {
		return "Make room on the disk that holds the sandbox's folder: a gigabyte is enough."
	}
	for _, sign := range []string{"operation not permitted", "permission denied"} {
		if strings.Contains(message, sign) {
			return "A container or a security module forbids what a sandbox needs (user namespaces, mounts, /proc): see the requirements in the README."
		}
	}
	return ""
}
