package pyruntime

import (
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"
)

// The image for Daytona holds what the local runtime holds: the same lock file,
// with its hashes and nothing beside it, under the same Python.
func TestImageAgreesWithTheRuntime(t *testing.T) {
	recipe := readRecipe(t, "Dockerfile")
	const lock = "sandbox/pyruntime/requirements.lock"
	copies := regexp.MustCompile(`(?m)^(?:COPY|ADD) +(\S+) +(\S+)$`).FindAllStringSubmatch(recipe, -1)
	if len(copies) != 1 || copies[0][1] != lock {
		t.Fatalf("the recipe copies %v, want the lock file alone", copies)
	}
	installs := regexp.MustCompile(`pip install[^&|;]*`).FindAllString(recipe, -1)
	if len(installs) != 1 {
		t.Fatalf("the recipe installs %q, want one line", installs)
	}
	for _, want := range []string{"--require-hashes", "--only-binary :all:", "-r " + copies[0][2]} {
		if !strings.Contains(installs[0], want) {
			t.Errorf("it installs by %q, want %q in it", installs[0], want)
		}
	}
	for _, other := range []string{"apt-get", "curl", "wget", "://", "--index", "conda", "uv "} {
		if strings.Contains(recipe, other) {
			t.Errorf("the recipe has %q in it", other)
		}
	}
	local := regexp.MustCompile(`go-embed-python v0\.0\.0-(\d+\.\d+\.\d+)-`).FindSubmatch(cpythonMod)
	image := regexp.MustCompile(`(?m)^FROM python:(\d+\.\d+\.\d+)-`).FindStringSubmatch(recipe)
	if local == nil || image == nil || string(local[1]) != image[1] {
		t.Errorf("the local Python is %q, the image's %q", local, image)
	}
}

// What the build checks by importing it is all that an analysis may import.
func TestImageLoadsEveryLibrary(t *testing.T) {
	recipe := readRecipe(t, "Dockerfile")
	wanted, err := os.ReadFile("requirements.in")
	if err != nil {
		t.Fatal(err)
	}
	line := regexp.MustCompile(`python -c "import ([^"]+)"`).FindStringSubmatch(recipe)
	if line == nil {
		t.Fatal("the recipe tries no import")
	}
	imported := map[string]bool{}
	for _, name := range strings.Split(line[1], ", ") {
		imported[name] = true
	}
	for name := range strings.Lines(string(wanted)) {
		name = strings.TrimSpace(name)
		if name == "scikit-learn" {
			name = "sklearn"
		}
		name = strings.ReplaceAll(name, "-", "_")
		if name != "" && !strings.HasPrefix(name, "#") && !imported[name] {
			t.Errorf("%s is not tried", name)
		}
	}
}

// Only the lock file leaves the repository for the build.
func TestImageContextIsTheLockAlone(t *testing.T) {
	if got := readRecipe(t, "Dockerfile.dockerignore"); got != "*\n!sandbox/pyruntime/requirements.lock\n" {
		t.Errorf("the context is %q", got)
	}
}

func readRecipe(t *testing.T, name string) string {
	t.Helper()
	b, err := os.ReadFile(filepath.Join("..", "..", "deploy", "daytona", name))
	if err != nil {
		t.Fatal(err)
	}
	return string(b)
}
