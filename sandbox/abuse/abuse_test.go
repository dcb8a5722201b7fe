package abuse_test

import (
	"bufio"
	"crypto/rand"
	"encoding/json"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mark-analyst/mark/sandbox/abuse"
	"github.com/mark-analyst/mark/sandbox/gvisor/gvisortest"
	"github.com/mark-analyst/mark/sandbox/kernel"
	"github.com/mark-analyst/mark/sandbox/pyruntime"
)

func programs(t *testing.T) []abuse.Program {
	t.Helper()
	all, err := abuse.Programs()
	if err != nil {
		t.Fatal(err)
	}
	return all
}

func TestPrograms(t *testing.T) {
	classes := map[string]int{}
	for _, p := range programs(t) {
		classes[p.Class]++
		for _, sentence := range []string{p.Tries, p.Contained} {
			if !strings.HasSuffix(sentence, ".") {
				t.Errorf("%s/%s: %q is no sentence", p.Class, p.Name, sentence)
			}
		}
		for _, step := range p.Steps {
			if strings.Contains(step, "markkernel") || strings.Contains(step, "/mnt/data") {
				t.Errorf("%s/%s knows the sandbox that it is tried in", p.Class, p.Name)
			}
		}
	}
	for _, class := range []string{
		"network", "host_files", "proc_sys", "devices", "mounts", "kernel_calls", "capabilities", "bombs", "memory", "disk", "output",
		"frames", "signals", "time", "clones", "secrets", "links", "inflation", "pickle", "imports", "introspection", "data_libraries",
	} {
		if classes[class] < 4 {
			t.Errorf("there are %d programs of the class %s", classes[class], class)
		}
	}
}

// What is said to escape without a sandbox does so: a program that is broken, and
// fails everywhere, contains nothing. Only programs that harm nobody are said to.
func TestAloneTheyEscape(t *testing.T) {
	tree := gvisortest.Tree(t)
	cmd := exec.CommandContext(t.Context(), filepath.Join(tree.Root, pyruntime.Interpreter), "-I", "testdata/alone.py")
	secret := abuse.NewSecret(random())
	cmd.Env = append(kernel.Env(t.TempDir()), abuse.SecretVariable+"="+secret)
	cmd.Stderr = os.Stderr
	stdin, err := cmd.StdinPipe()
	if err != nil {
		t.Fatal(err)
	}
	stdout, err := cmd.StdoutPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	answers, tried := bufio.NewReader(stdout), 0
	for _, p := range programs(t) {
		if !p.Alone {
			continue
		}
		tried++
		t.Run(p.Class+"/"+p.Name, func(t *testing.T) {
			world := abuse.NewWorld(t, secret, abuse.Limits{Processes: 64, StepTime: time.Second})
			folder := t.TempDir()
			if err := os.Symlink(world.Input, filepath.Join(folder, "input.csv")); err != nil {
				t.Fatal(err)
			}
			steps := append([]string{world.Facts() + p.Steps[0]}, p.Steps[1:]...)
			if err := json.NewEncoder(stdin).Encode(map[string]any{"steps": steps, "folder": folder}); err != nil {
				t.Fatal(err)
			}
			line, err := answers.ReadBytes('\n')
			if err != nil {
				t.Fatal(err)
			}
			var answer struct{ Text string }
			if err := json.Unmarshal(line, &answer); err != nil {
				t.Fatal(err)
			}
			if len(world.Breaches(answer.Text, nil)) == 0 {
				t.Errorf("it is contained by nothing: %s", answer.Text)
			}
		})
	}
	if err := stdin.Close(); err != nil {
		t.Error(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Error(err)
	}
	if tried < 35 {
		t.Errorf("only %d programs were tried", tried)
	}
}

func random() (b [16]byte) {
	rand.Read(b[:])
	return b
}
