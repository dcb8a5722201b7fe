//go:build linux && (amd64 || arm64)

package pyruntime

import (
	"bytes"
	"compress/gzip"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"time"
)

const (
	cpythonModule = "github.com/kluctl/go-embed-python"
	pythonDir     = "python3.14" // of the version in cpython.mod
)

// fetchCPython has the go command download the module of cpython.mod, which it
// checks against cpython.sum, and returns the folder it stands in.
func (b *builder) fetchCPython(ctx context.Context) (string, error) {
	goCommand, err := lookGo()
	if err != nil {
		return "", err
	}
	if err := os.MkdirAll(b.scratch, 0o755); err != nil {
		return "", err
	}
	for name, text := range map[string][]byte{"go.mod": cpythonMod, "go.sum": cpythonSum} {
		if err := os.WriteFile(filepath.Join(b.scratch, name), text, 0o644); err != nil {
			return "", err
		}
	}
	cmd := exec.CommandContext(ctx, goCommand, "mod", "download", "-json", cpythonModule)
	cmd.Dir = b.scratch
	cmd.Env = append(os.Environ(), "GOWORK=off", "GOFLAGS=")
	killGroup(cmd)
	var out, errOut bytes.Buffer
	cmd.Stdout, cmd.Stderr = &out, &errOut
	runErr := cmd.Run()
	if ctx.Err() != nil {
		return "", ctx.Err()
	}
	var got struct{ Dir, Error string }
	if err := json.Unmarshal(out.Bytes(), &got); err == nil && got.Dir != "" && runErr == nil {
		return got.Dir, nil
	}
	detail := got.Error
	if detail == "" {
		detail = errOut.String()
	}
	return "", fmt.Errorf("go mod download could not bring CPython; it needs to reach a Go module proxy (GOPROXY applies): %s", detail)
}

// unpackCPython fills the tree's /usr with the interpreter and puts pip beside
// the tree.
func (b *builder) unpackCPython(module string) error {
	from := filepath.Join(module, "python/internal/data", "linux-"+runtime.GOARCH)
	if err := unpack(from, filepath.Join(b.root, "usr")); err != nil {
		return err
	}
	return unpack(filepath.Join(module, "pip/internal/data"), filepath.Join(b.scratch, "pip"))
}

// Pip unpacks pip into a folder below dir and returns the path that Python runs it
// by: for what is installed beside a tree, which has none.
func Pip(ctx context.Context, dir string) (string, error) {
	b := &builder{scratch: dir}
	module, err := b.fetchCPython(ctx)
	if err != nil {
		return "", err
	}
	to := filepath.Join(dir, "pip")
	return filepath.Join(to, "pip"), unpack(filepath.Join(module, "pip/internal/data"), to)
}

// packedFile is an entry of the module's files.json. Perm is an fs.FileMode.
type packedFile struct {
	Name       string      `json:"name"`
	Perm       fs.FileMode `json:"perm"`
	Symlink    string      `json:"symlink"`
	Compressed bool        `json:"compressed"` // stands as name.gz
}

func unpack(from, to string) error {
	list, err := os.ReadFile(filepath.Join(from, "files.json"))
	if err != nil {
		return err
	}
	var index struct{ Files []packedFile }
	if err := json.Unmarshal(list, &index); err != nil {
		return fmt.Errorf("reading the list of files: %w", err)
	}
	for _, f := range index.Files {
		if !filepath.IsLocal(f.Name) || (f.Symlink != "" && !filepath.IsLocal(filepath.Join(filepath.Dir(f.Name), f.Symlink))) {
			return fmt.Errorf("the list of files names %q, which leads outside", f.Name)
		}
		if err := unpackFile(from, to, f); err != nil {
			return fmt.Errorf("unpacking %s: %w", f.Name, err)
		}
	}
	return nil
}

func unpackFile(from, to string, f packedFile) error {
	path := filepath.Join(to, f.Name)
	if f.Perm.IsDir() {
		return os.MkdirAll(path, 0o755)
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
		return err
	}
	if f.Symlink != "" {
		return os.Symlink(f.Symlink, path)
	}
	source := filepath.Join(from, f.Name)
	if f.Compressed {
		source += ".gz"
	}
	in, err := os.Open(source)
	if err != nil {
		return err
	}
	defer in.Close()
	var content io.Reader = in
	if f.Compressed {
		if content, err = gzip.NewReader(in); err != nil {
			return err
		}
	}
	mode := fs.FileMode(0o644)
	if f.Perm&0o111 != 0 {
		mode = 0o755
	}
	out, err := os.OpenFile(path, os.O_CREATE|os.O_WRONLY|os.O_EXCL, mode)
	if err != nil {
		return err
	}
	if _, err := io.Copy(out, content); err != nil { //nolint:gosec // of a module whose hash this repository holds
		return errors.Join(err, out.Close())
	}
	return out.Close()
}

// killGroup makes cmd's cancellation reach the processes it started, and not
// wait for ever on the pipes they hold.
func killGroup(cmd *exec.Cmd) {
	cmd.SysProcAttr = &syscall.SysProcAttr{Setpgid: true}
	cmd.Cancel = func() error { return syscall.Kill(-cmd.Process.Pid, syscall.SIGKILL) }
	cmd.WaitDelay = 5 * time.Second
}
