package gvisor_test

import (
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/mark-analyst/mark/sandbox/gvisor"
)

// What a snapshot fits is what the runtime holds, not when and where it was built.
func TestTheBaseIsOfTheContent(t *testing.T) {
	const compiled, noted = "lib/__pycache__/m.pyc", "lib/m.dist-info/RECORD"
	tree := func(changes map[string]string) string {
		t.Helper()
		files := map[string]string{"lib/m.py": "a = 1", "lib/c.so": "machine code", compiled: "x", noted: "y"}
		for name, content := range changes {
			files[name] = content
		}
		root := t.TempDir()
		for name, content := range files {
			path := filepath.Join(root, name)
			if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
				t.Fatal(err)
			}
			if err := os.WriteFile(path, []byte(content), 0o644); err != nil {
				t.Fatal(err)
			}
			when := time.Unix(int64(len(changes)), 0)
			if err := os.Chtimes(path, when, when); err != nil {
				t.Fatal(err)
			}
		}
		if err := os.Symlink("c.so", filepath.Join(root, "lib", "link.so")); err != nil {
			t.Fatal(err)
		}
		sum, err := gvisor.SumContent(root)
		if err != nil {
			t.Fatal(err)
		}
		return sum
	}
	one := tree(nil)
	if other := tree(map[string]string{compiled: "z", noted: "z"}); other != one {
		t.Error("two builds have different sums")
	}
	for _, changed := range []map[string]string{{"lib/m.py": "a = 2"}, {"lib/c.so": "Machine code"}, {"lib/n.py": ""}} {
		if tree(changed) == one {
			t.Errorf("%v makes no difference", changed)
		}
	}
}
