package profile_test

import (
	"context"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"go.uber.org/goleak"

	"github.com/mark-analyst/mark/datasets/profile"
	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/sandbox/gvisor/gvisortest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

// upload is a file under test: written here, or by Python where only a library
// can write it (the code then has its name as the variable name).
type upload struct {
	name   string
	text   string
	python string
}

// profileAll writes the files and returns a function that profiles one of them
// in a session that has them all, and what that session loads by the LoadCode.
func profileAll(t *testing.T, uploads []upload) (profileOf func(name string) (profile.Profile, error), session execution.Session) {
	t.Helper()
	dir := t.TempDir()
	if err := os.Chmod(dir, 0o755); err != nil { // the session is another user
		t.Fatal(err)
	}
	provider := gvisortest.Provider(t)
	open := func(spec execution.Spec) execution.Session {
		s, err := provider.Open(t.Context(), spec)
		if err != nil {
			t.Fatal(err)
		}
		t.Cleanup(func() {
			if err := s.Close(); err != nil {
				t.Error(err)
			}
		})
		return s
	}
	var spec execution.Spec
	var maker execution.Session
	for i, u := range uploads {
		// What it is called on the server has nothing to do with its name.
		path := filepath.Join(dir, "blob"+string(rune('A'+i)))
		content := []byte(u.text)
		if u.python != "" {
			if maker == nil {
				maker = open(execution.Spec{})
			}
			content = made(t, maker, u)
		}
		if err := os.WriteFile(path, content, 0o644); err != nil {
			t.Fatal(err)
		}
		spec.Files = append(spec.Files, execution.File{Name: u.name, Path: path})
	}
	session = open(spec)
	return func(name string) (profile.Profile, error) { return profile.Run(t.Context(), session, name) }, session
}

func made(t *testing.T, s execution.Session, u upload) []byte {
	t.Helper()
	var content []byte
	result, err := s.Run(t.Context(), "name = "+quoted(u.name)+"\n"+u.python+"\nNone", execution.Listener(func(e execution.Event) {
		if e.Output == nil || e.Output.Artifact == nil {
			return
		}
		r, err := e.Output.Artifact.Open()
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		if content, err = io.ReadAll(r); err != nil {
			t.Fatal(err)
		}
	}))
	if err != nil || result.Failure != nil || content == nil {
		t.Fatalf("%s was not made: %v, %+v", u.name, err, result.Failure)
	}
	return content
}

func quoted(s string) string { return "'" + s + "'" }

// columns is what a test says of a profile, in short.
func columns(p profile.Profile) (short []string) {
	for _, c := range p.Columns {
		short = append(short, c.Name+" "+c.Type)
	}
	return short
}

func code(err error) profile.Code {
	var f *profile.Failure
	if errors.As(err, &f) {
		return f.Code
	}
	return ""
}

func TestTables(t *testing.T) {
	tests := tableTests()
	uploads := make([]upload, len(tests))
	for i, test := range tests {
		uploads[i] = test.upload
	}
	profileOf, session := profileAll(t, uploads)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			p, err := profileOf(test.name)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.columns, columns(p)); diff != "" {
				t.Errorf("columns differ (-want +got):\n%s", diff)
			}
			if p.Format != test.format || p.RowCount != test.rows {
				t.Errorf("%s of %d rows, want %s of %d", p.Format, p.RowCount, test.format, test.rows)
			}
			if test.code != "" && p.LoadCode != test.code {
				t.Errorf("the load code is\n%s, want\n%s", p.LoadCode, test.code)
			}
			if notes := strings.Join(p.Notes, " "); test.note == "" && len(p.Notes) > 0 || !strings.Contains(notes, test.note) {
				t.Errorf("the notes are %q, want %q", p.Notes, test.note)
			}
			if test.check != nil {
				test.check(t, p)
			}
			loads(t, session, p)
		})
	}
}

// loads checks that the LoadCode, alone, gives what the profile says.
func loads(t *testing.T, s execution.Session, p profile.Profile) {
	t.Helper()
	var names []string
	for _, c := range p.Columns {
		names = append(names, c.Name)
	}
	var printed string
	result, err := s.Run(t.Context(), "df = "+p.LoadCode+"\nprint(len(df), *df.columns, sep='\\t')", execution.Listener(func(e execution.Event) {
		if e.Chunk != nil && e.Chunk.Stream == execution.Stdout {
			printed += e.Chunk.Text
		}
	}))
	if err != nil || result.Failure != nil {
		t.Fatalf("%s\ndoes not load: %v, %+v", p.LoadCode, err, result.Failure)
	}
	count, header, _ := strings.Cut(strings.TrimSuffix(printed, "\n"), "\t")
	if diff := cmp.Diff(strings.Join(names, "\t"), header); diff != "" || count != itoa(p.RowCount) {
		t.Errorf("%s\nloads %s rows; columns (-want +got):\n%s", p.LoadCode, count, diff)
	}
}

func TestFilesThatAreNoTables(t *testing.T) {
	tests := failureTests()
	uploads := make([]upload, len(tests))
	for i, test := range tests {
		uploads[i] = test.upload
	}
	profileOf, session := profileAll(t, uploads)
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			_, err := profileOf(test.name)
			if code(err) != test.code {
				t.Fatalf("gave %v, want %s", err, test.code)
			}
			var f *profile.Failure
			if errors.As(err, &f); !strings.Contains(f.Message, test.says) || !strings.HasSuffix(f.Message, ".") {
				t.Errorf("the message is %q, want %q in it", f.Message, test.says)
			}
		})
	}
	// None of them has harmed the session.
	if result, err := session.Run(t.Context(), "1", execution.Host{}); err != nil || result.Failure != nil {
		t.Errorf("afterwards: %v, %+v", err, result.Failure)
	}
}

func TestProfilingLeavesNoNames(t *testing.T) {
	profileOf, session := profileAll(t, []upload{{name: "a.csv", text: "a\n1\n"}})
	names := func() (printed string) {
		if _, err := session.Run(t.Context(), "import sys; print(sorted(globals()), [m for m in sys.modules if 'mark_profile' in m])", execution.Listener(func(e execution.Event) {
			if e.Chunk != nil {
				printed += e.Chunk.Text
			}
		})); err != nil {
			t.Fatal(err)
		}
		return printed
	}
	names()
	before := names()
	if _, err := profileOf("a.csv"); err != nil {
		t.Fatal(err)
	}
	if after := names(); after != before {
		t.Errorf("before %s, after %s", before, after)
	}
}

func TestRunTellsWhatEndedTheSession(t *testing.T) {
	for name, test := range map[string]struct {
		err  error
		want profile.Code
	}{
		"time":      {&execution.Error{Code: execution.CodeTimeout}, profile.TooLarge},
		"memory":    {&execution.Error{Code: execution.CodeMemory, Fatal: true}, profile.TooLarge},
		"no room":   {&execution.Error{Code: execution.CodeUnavailable}, profile.Unavailable},
		"died":      {&execution.Error{Code: execution.CodeDied, Fatal: true}, profile.Failed},
		"no output": {nil, profile.Failed},
	} {
		if _, err := profile.Run(t.Context(), ending{err: test.err}, "x.csv"); code(err) != test.want {
			t.Errorf("%s: %v, want %s", name, err, test.want)
		}
	}
	raised := execution.Result{Failure: &execution.Failure{Name: "ValueError"}}
	if _, err := profile.Run(t.Context(), ending{result: raised}, "x.csv"); code(err) != profile.Failed {
		t.Errorf("an exception: %v", err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := profile.Run(ctx, ending{err: &execution.Error{Code: execution.CodeCancelled}}, "x.csv"); !errors.Is(err, context.Canceled) {
		t.Errorf("cancelled: %v", err)
	}
}

// ending is a session whose every step ends alike.
type ending struct {
	result execution.Result
	err    error
}

func (e ending) Run(context.Context, string, execution.Host) (execution.Result, error) {
	return e.result, e.err
}
func (ending) Close() error { return nil }
