package main

import (
	"bytes"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/mark-analyst/mark/sandbox/gvisor/gvisortest"
)

// sandboxCommand runs `mark sandbox …` as main does.
func sandboxCommand(t *testing.T, stdin string, args ...string) (stdout, stderr string, err error) {
	t.Helper()
	all := slices.Concat([]string{"sandbox"}, args, []string{
		"--data-dir", t.TempDir(), "--sandbox-dir", gvisortest.Dir(t), "--sandbox-launcher", gvisortest.Launcher(t), "--sandbox-pool", "0", "--log-level", "error",
	})
	var out, told bytes.Buffer
	err = run(all, strings.NewReader(stdin), &out, &told)
	return out.String(), told.String(), err
}

func TestShellRunsWhatIsPipedAsOneProgram(t *testing.T) {
	file := filepath.Join(t.TempDir(), "sales.csv")
	if err := os.WriteFile(file, []byte("n,city\n1,Oslo\n2,Bern\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	program := `
def double(x):
    return 2 * x
print(double(21))
fig = px.line(x=[1, 2], y=[3, 4], title="Two")
fig.show()
pd.read_csv("sales.csv")
`
	out, told, err := sandboxCommand(t, program, "shell", file)
	if err != nil {
		t.Fatalf("%v: %s", err, told)
	}
	if want := regexp.MustCompile(`(?s)^42\n\[chart "Two", \d+ bytes of JSON\]\nn +city\n1 +Oslo\n2 +Bern\n$`); !want.MatchString(out) {
		t.Errorf("it showed %q", out)
	}
}

func TestShellTellsAProgramThatFails(t *testing.T) {
	out, told, err := sandboxCommand(t, "print('before')\nmissing\nprint('after')", "shell")
	if err == nil || !strings.Contains(err.Error(), "failed") {
		t.Errorf("its error is %v", err)
	}
	if out != "before\n" || !strings.Contains(told, "NameError") {
		t.Errorf("it showed %q and told %q", out, told)
	}
}

func TestShellEndsWithASessionThatItsProgramEnds(t *testing.T) {
	_, _, err := sandboxCommand(t, "import os\nos._exit(1)", "shell")
	if err == nil || !strings.Contains(err.Error(), "PYTHON_DIED") {
		t.Errorf("its error is %v", err)
	}
}

func TestShellTakesBlocksThatAreTyped(t *testing.T) {
	typed := strings.Join([]string{
		"n = 20", "for i in range(2):", "    n += i", "", "text = '''a", "b'''", "missing", "n, text", "df = pd.DataFrame({'a': [1000000]})", "df",
	}, "\n")
	out, told, err := sandboxCommand(t, typed, "shell", "-i")
	if err != nil {
		t.Fatalf("%v: %s", err, told)
	}
	_, out, _ = strings.Cut(out, "\n") // the greeting
	if want := ">>> >>> ... ... >>> ... >>> >>> (21, 'a\\nb')\n>>> >>> a\n1000000\n>>> \n"; out != want {
		t.Errorf("it showed\n%q, want\n%q", out, want)
	}
	if strings.Count(told, "NameError") != 1 {
		t.Errorf("it told %q", told)
	}
}

func TestTimeTellsQuantilesOfBothWays(t *testing.T) {
	out, told, err := sandboxCommand(t, "", "time", "-n", "2")
	if err != nil {
		t.Fatalf("%v: %s", err, told)
	}
	line := regexp.MustCompile(`(?m)^ *(ready in the pool|restored when asked for), (opened|first pandas output|ended) +\d+\.\d +\d+\.\d *$`)
	if got := line.FindAllString(out, -1); len(got) != 6 {
		t.Errorf("it told %q", out)
	}
	if _, _, err := sandboxCommand(t, "", "time", "-n", "0"); err == nil {
		t.Error("no session was timed")
	}
}

func TestCheckTellsTheIsolationInForce(t *testing.T) {
	out, told, err := sandboxCommand(t, "", "check")
	if err != nil {
		t.Fatalf("%v: %s", err, told)
	}
	if !strings.Contains(out, "with pandas") || !strings.Contains(out, "gVisor") {
		t.Errorf("it told %q", out)
	}
}
