// Package sandboxtest is the suite that every provider of sessions must pass:
// what package execution promises, tried through a real session. It asks nothing
// about isolation, which differs from provider to provider and is tested beside
// each of them.
package sandboxtest

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mark-analyst/mark/internal/execution"
)

// Open opens a session as spec says, and closes it when the test ends. It calls
// t.Fatal where it cannot.
type Open func(t *testing.T, spec execution.Spec) execution.Session

// patience bounds one Run of a test, so that a hang is a failure and not a
// timeout of the whole binary.
const patience = 90 * time.Second

// testCase is one thing that a session must do.
type testCase struct {
	name string
	spec func(t *testing.T) execution.Spec // nil: the empty one
	run  func(t *testing.T, s session)
}

// Run runs the suite against sessions that open gives. Cases run in parallel,
// each in a session of its own.
func Run(t *testing.T, open func(t *testing.T, spec execution.Spec) execution.Session) {
	groups := []struct {
		name  string
		cases []testCase
	}{
		{"state", stateCases()},
		{"streams", streamCases()},
		{"outputs", outputCases()},
		{"figures", figureCases()},
		{"failures", failureCases()},
		{"files", fileCases()},
		{"limits", limitCases()},
		{"exhaustion", exhaustionCases()},
		{"processes", processCases()},
		{"calls", callCases()},
		{"record", recordCases()},
		{"frames", frameCases()},
		{"threads", threadCases()},
		{"ends", endCases()},
	}
	for _, group := range groups {
		t.Run(group.name, func(t *testing.T) {
			for _, c := range group.cases {
				t.Run(c.name, func(t *testing.T) {
					t.Parallel()
					var spec execution.Spec
					if c.spec != nil {
						spec = c.spec(t)
					}
					c.run(t, session{open(t, spec), open})
				})
			}
		})
	}
}

// session is a Session with the asking that tests do.
type session struct {
	execution.Session
	open Open
}

// outcome is everything that one Run gave.
type outcome struct {
	stdout, stderr string
	chunks         int
	progress       []execution.Progress
	outputs        []execution.Output
	order          []string // "out:…", "err:…" and MIME types, as they came
	result         execution.Result
	err            *execution.Error
}

// try runs code and takes whatever comes.
func (s session) try(t *testing.T, ctx context.Context, code string, also ...func(execution.Event)) outcome {
	t.Helper()
	return s.tryWith(t, ctx, code, nil, also...)
}

// tryWith is try with a host that answers calls.
func (s session) tryWith(t *testing.T, ctx context.Context, code string, answer func(context.Context, execution.Call) (any, error), also ...func(execution.Event)) outcome {
	t.Helper()
	ctx, cancel := context.WithTimeout(ctx, patience)
	defer cancel()
	var o outcome
	var err error
	o.result, err = s.Run(ctx, code, execution.Host{Call: answer, Emit: func(e execution.Event) {
		if p := e.Progress; p != nil {
			o.progress = append(o.progress, *p)
			return
		}
		if (e.Chunk == nil) == (e.Output == nil) {
			t.Errorf("an event of %v and %v, want exactly one of them", e.Chunk, e.Output)
			return
		}
		if c := e.Chunk; c != nil {
			o.chunks++
			if c.Stream == execution.Stdout {
				o.stdout += c.Text
				o.order = append(o.order, "out:"+c.Text)
			} else {
				o.stderr += c.Text
				o.order = append(o.order, "err:"+c.Text)
			}
		} else {
			o.outputs = append(o.outputs, *e.Output)
			o.order = append(o.order, e.Output.MIME)
		}
		for _, f := range also {
			f(e)
		}
	}})
	if err != nil && !errors.As(err, &o.err) {
		t.Fatalf("Run's error is a %T, want *execution.Error: %v", err, err)
	}
	return o
}

// ok runs code that must succeed.
func (s session) ok(t *testing.T, code string) outcome {
	t.Helper()
	o := s.try(t, context.Background(), code)
	if o.err != nil {
		t.Fatalf("%s\nended the session: %v", code, o.err)
	}
	if o.result.Failure != nil {
		t.Fatalf("%s\nfailed: %s", code, o.result.Failure.Traceback)
	}
	return o
}

// prints runs code that must succeed and print exactly want.
func (s session) prints(t *testing.T, code, want string) {
	t.Helper()
	if got := s.ok(t, code).stdout; got != want {
		t.Errorf("%s\nprinted %q, want %q", code, got, want)
	}
}

// fails runs code that must raise.
func (s session) fails(t *testing.T, code, name string) execution.Failure {
	t.Helper()
	o := s.try(t, context.Background(), code)
	if o.err != nil {
		t.Fatalf("%s\nended the session: %v", code, o.err)
	}
	if o.result.Failure == nil || o.result.Failure.Name != name {
		t.Fatalf("%s\nended with %+v, want a failure called %s", code, o.result.Failure, name)
	}
	return *o.result.Failure
}

// one runs code that must show exactly one thing of the given type.
func (s session) one(t *testing.T, code, mime string) execution.Output {
	t.Helper()
	o := s.ok(t, code)
	if len(o.outputs) != 1 || o.outputs[0].MIME != mime {
		t.Fatalf("%s\nshowed %v, want one %s", code, o.order, mime)
	}
	return o.outputs[0]
}

// ends checks how a step that a limit or a person ended came out.
func (o outcome) ends(t *testing.T, code execution.Code, fatal bool) {
	t.Helper()
	if o.err == nil {
		t.Fatalf("the step ended with failure %+v, want error %s", o.result.Failure, code)
	}
	if o.err.Code != code || o.err.Fatal != fatal {
		t.Fatalf("the step ended with %v (fatal %v), want %s (fatal %v)", o.err, o.err.Fatal, code, fatal)
	}
	if o.err.Message == "" {
		t.Error("the error has no message for a person")
	}
}

// noticed checks that a person is told of what was left out.
func (o outcome) noticed(t *testing.T, code execution.NoticeCode, wants ...string) {
	t.Helper()
	for _, n := range o.result.Notices {
		says := n.Code == code
		for _, want := range wants {
			says = says && strings.Contains(n.Message, want)
		}
		if says {
			return
		}
	}
	t.Errorf("the notices are %+v, want one of %s with %q", o.result.Notices, code, wants)
}

// content reads an output's artifact.
func content(t *testing.T, o execution.Output) string {
	t.Helper()
	if o.Artifact == nil {
		t.Fatalf("the %s has no artifact", o.MIME)
	}
	r, err := o.Artifact.Open()
	if err != nil {
		t.Fatal(err)
	}
	defer r.Close()
	b, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	if int64(len(b)) != o.Artifact.SizeBytes {
		t.Errorf("%s has %d bytes, its SizeBytes is %d", o.Artifact.Name, len(b), o.Artifact.SizeBytes)
	}
	return string(b)
}

// with makes a spec of files, name and content in turn.
func with(files ...string) func(t *testing.T) execution.Spec {
	return func(t *testing.T) execution.Spec {
		var spec execution.Spec
		dir := t.TempDir()
		// The session may run as another user.
		if err := os.Chmod(dir, 0o755); err != nil {
			t.Fatal(err)
		}
		for i := 0; i < len(files); i += 2 {
			path := filepath.Join(dir, "upload-"+string(rune('a'+i)))
			if err := os.WriteFile(path, []byte(files[i+1]), 0o644); err != nil {
				t.Fatal(err)
			}
			spec.Files = append(spec.Files, execution.File{Name: files[i], Path: path})
		}
		return spec
	}
}

// limited makes a spec of limits.
func limited(l execution.Limits) func(t *testing.T) execution.Spec {
	return func(*testing.T) execution.Spec { return execution.Spec{Limits: l} }
}

func contains(t *testing.T, what, text string, wants ...string) {
	t.Helper()
	for _, want := range wants {
		if !strings.Contains(text, want) {
			t.Errorf("%s is %q, want %q in it", what, text, want)
		}
	}
}
