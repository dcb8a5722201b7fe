package sandboxtest

import (
	"context"
	"sort"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/mark-analyst/mark/internal/execution"
)

// left returns what a step left behind: name, type and content.
func (s session) left(t *testing.T, code string) map[string][2]string {
	t.Helper()
	got := map[string][2]string{}
	for _, o := range s.ok(t, code).outputs {
		if o.MIME != execution.MIMEFile {
			continue
		}
		if _, twice := got[o.Artifact.Name]; twice {
			t.Errorf("two files are called %q", o.Artifact.Name)
		}
		got[o.Artifact.Name] = [2]string{o.Artifact.MIMEType, content(t, o)}
	}
	return got
}

func names(files map[string][2]string) []string {
	all := make([]string, 0, len(files))
	for name := range files {
		all = append(all, name)
	}
	sort.Strings(all)
	return all
}

func fileCases() []testCase {
	return []testCase{
		{name: "inputs are there, by name, and are no artifacts", spec: with("sales 2024.csv", "a,b\n1,2\n", "žluť.json", "[]"),
			run: func(t *testing.T, s session) {
				got := s.left(t, "print(open('sales 2024.csv').read(), open('žluť.json').read())\ndf = pd.read_csv('sales 2024.csv')")
				if len(got) != 0 {
					t.Errorf("left %v", names(got))
				}
				s.prints(t, "import os; print(sorted(os.listdir()))", "['sales 2024.csv', 'žluť.json']\n")
			}},
		{name: "new files come back, with their types", run: func(t *testing.T, s session) {
			got := s.left(t, `import json, os
pd.DataFrame({"a": [1]}).to_csv("out.csv", index=False)
json.dump([1], open("out.json", "w"))
plt.plot([1, 2]); plt.savefig("plot.dat", format="png"); plt.close()
pd.DataFrame({"a": [1]}).to_excel("out.xlsx")
open("page.txt", "w").write("<html><script>alert(1)</script></html>")
open("empty", "w").close()
os.makedirs("deep/er"); open("deep/er/note.txt", "w").write("hi");`)
			want := map[string]string{
				"out.csv": "text/csv", "out.json": "application/json", "plot.dat": "image/png", "page.txt": "text/html",
				"out.xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet", "note.txt": "text/plain",
				"empty": "text/plain",
			}
			types := map[string]string{}
			for name, file := range got {
				types[name] = file[0]
			}
			if diff := cmp.Diff(want, types); diff != "" {
				t.Errorf("the files differ (-want +got):\n%s", diff)
			}
			if got["out.csv"][1] != "a\n1\n" {
				t.Errorf("out.csv is %q", got["out.csv"][1])
			}
		}},
		{name: "a file comes again only when it changed", run: func(t *testing.T, s session) {
			if got := names(s.left(t, "open('f', 'w').write('one');")); len(got) != 1 {
				t.Fatalf("left %v", got)
			}
			if got := names(s.left(t, "open('f').read();")); len(got) != 0 {
				t.Errorf("then left %v", got)
			}
			if got := s.left(t, "open('f', 'w').write('two');"); got["f"][1] != "two" {
				t.Errorf("then left %v", got)
			}
		}},
		{name: "only regular files, and none by a link", run: func(t *testing.T, s session) {
			got := names(s.left(t, `import os, socket
os.symlink("/etc/passwd", "passwd"); os.symlink("/etc", "etc"); os.symlink(".", "loop"); os.mkfifo("pipe")
u = socket.socket(socket.AF_UNIX); u.bind("sock")
open(".hidden", "w").close(); os.mkdir("__pycache__"); open("__pycache__/x", "w").close()
open("real", "w").write("r");`))
			if diff := cmp.Diff([]string{"real"}, got); diff != "" {
				t.Errorf("left (-want +got):\n%s", diff)
			}
		}},
		{name: "names are cleaned and told apart", run: func(t *testing.T, s session) {
			got := names(s.left(t, `import os
for name in ["a\nb\x1b.txt", "x\\..\\evil.txt", "x" * 200 + ".csv", " . ", "Same", "same", "tag\U000e0041.txt"]:
    open(name, "w").write("x")
os.mkdir("d"); open("d/same", "w").write("y")
open(b"\xff\xfe.bin", "w").write("z");`))
			if len(got) != 9 {
				t.Errorf("left %d files: %q", len(got), got)
			}
			folded := map[string]bool{}
			for _, name := range got {
				if strings.ContainsAny(name, "/\\\n\x1b\U000e0041") || strings.HasPrefix(name, ".") || len(name) > 130 || folded[strings.ToLower(name)] {
					t.Errorf("a file called %q", name)
				}
				folded[strings.ToLower(name)] = true
			}
		}},
		{name: "too large a file is not kept, and said", spec: limited(execution.Limits{ArtifactBytes: 1000}),
			run: func(t *testing.T, s session) {
				o := s.ok(t, "open('big', 'w').write('x' * 1001)\nopen('small', 'w').write('x' * 1000);")
				if len(o.outputs) != 1 || o.outputs[0].Artifact.Name != "small" || !o.result.Truncated {
					t.Errorf("left %d files, truncated %v", len(o.outputs), o.result.Truncated)
				}
				o.noticed(t, execution.NoticeTooLarge, "big", "1000 bytes")
			}},
		{name: "no more files than the limit", spec: limited(execution.Limits{Artifacts: 2}), run: func(t *testing.T, s session) {
			o := s.ok(t, "for i in range(6): open(f'f{i}', 'w').write('x')")
			if len(o.outputs) != 2 || !o.result.Truncated {
				t.Errorf("left %d files, truncated %v", len(o.outputs), o.result.Truncated)
			}
			o.noticed(t, execution.NoticeArtifacts, "f2, f3, f4 and 1 more", "2 files")
		}},
		{name: "no more bytes than the limit", spec: limited(execution.Limits{ArtifactsBytes: 2500, ArtifactBytes: 1000}),
			run: func(t *testing.T, s session) {
				o := s.ok(t, "for i in range(6): open(f'f{i}', 'w').write('x' * 1000)")
				if len(o.outputs) != 2 || !o.result.Truncated {
					t.Errorf("left %d files, truncated %v", len(o.outputs), o.result.Truncated)
				}
			}},
		{name: "more files than are looked at, and said", run: func(t *testing.T, s session) {
			o := s.ok(t, "import os\nos.mkdir('many')\nfor i in range(10_100): open(f'many/{i}', 'w').close()")
			o.noticed(t, execution.NoticeArtifacts, "too many in the working folder")
			s.ok(t, "import shutil; shutil.rmtree('many')")
			if got := names(s.left(t, "open('f', 'w').write('x');")); len(got) != 1 {
				t.Errorf("then left %v", got)
			}
		}},
		{name: "what an interrupt kept back comes with the next step", run: func(t *testing.T, s session) {
			ctx, cancel := context.WithCancel(context.Background())
			o := s.try(t, ctx, "for i in range(3): open(f'f{i}', 'wb').write(bytes(2_000_000))\nprint('on')\nwhile True: pass", func(execution.Event) { cancel() })
			o.ends(t, execution.CodeCancelled, false)
			if got := names(s.left(t, "1;")); len(got) != 3 {
				t.Errorf("then left %v", got)
			}
		}},
		{name: "an interrupt among the files loses none", run: func(t *testing.T, s session) {
			ctx, cancel := context.WithCancel(context.Background())
			came := map[string]bool{}
			o := s.try(t, ctx, "for i in range(8): open(f'f{i}', 'wb').write(bytes(2_000_000))", func(e execution.Event) {
				cancel() // while the others are being sent
				came[e.Output.Artifact.Name] = true
			})
			o.ends(t, execution.CodeCancelled, false)
			for _, name := range names(s.left(t, "1;")) {
				if came[name] {
					t.Errorf("%s came twice", name)
				}
				came[name] = true
			}
			if len(came) != 8 {
				t.Errorf("%d files came, want 8", len(came))
			}
		}},
		{name: "artifacts are gone with the next step", run: func(t *testing.T, s session) {
			o := s.ok(t, "open('f', 'w').write('x');")
			if len(o.outputs) != 1 {
				t.Fatalf("left %v", o.order)
			}
			s.ok(t, "1")
			if r, err := o.outputs[0].Artifact.Open(); err == nil {
				_ = r.Close() // it was only opened
				t.Error("the artifact of the last step still opens")
			}
		}},
		{name: "a big file comes whole", run: func(t *testing.T, s session) {
			got := s.left(t, "open('b', 'wb').write(bytes(range(256)) * 40_000);")
			if b := got["b"][1]; len(b) != 10_240_000 || b[:3] != "\x00\x01\x02" || b[len(b)-1] != 0xff {
				t.Errorf("%d bytes came", len(got["b"][1]))
			}
		}},
		{name: "another working folder, a removed one", run: func(t *testing.T, s session) {
			s.ok(t, "import os\nhome = os.getcwd()\nos.chdir('/tmp')")
			if got := names(s.left(t, "open(os.path.join(home, 'f'), 'w').write('x');")); len(got) != 1 {
				t.Errorf("left %v", got)
			}
			s.prints(t, "print(os.getcwd())", "/tmp\n")
		}},
	}
}
