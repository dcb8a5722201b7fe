//go:build linux && (amd64 || arm64)

package gvisor

import (
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"hash"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
)

// sumBase names what a snapshot of now can be resumed on. It is the same on every
// node whose runtime was built from the same lock, while a checkpoint's key is that
// of one tree: another node's tree holds the same files with other times.
func (e *engine) sumBase() (string, error) {
	h := sha256.New()
	if err := sumContent(e.config.Tree.Root, h); err != nil {
		return "", err
	}
	if err := e.sumRest(h); err != nil {
		return "", err
	}
	return hex.EncodeToString(h.Sum(nil))[:16], nil
}

// sumContent sums up what the files of a runtime tree hold, in some 2 s; it is done
// once a checkpoint. Left out is what differs from one build to the next although
// it says the same: compiled modules, and what the installer noted.
func sumContent(root string, h hash.Hash) error {
	return filepath.WalkDir(root, func(path string, d fs.DirEntry, err error) error {
		switch {
		case err != nil:
			return err
		case d.IsDir() && strings.HasSuffix(path, ".dist-info"):
			return fs.SkipDir
		case d.IsDir() || strings.HasSuffix(path, ".pyc"):
			return nil
		}
		info, err := d.Info()
		if err != nil {
			return err
		}
		fmt.Fprintf(h, "\n%s %v %d ", strings.TrimPrefix(path, root), d.Type(), info.Size())
		if !d.Type().IsRegular() {
			target, err := os.Readlink(path)
			fmt.Fprint(h, target)
			return err
		}
		f, err := os.Open(path)
		if err != nil {
			return err
		}
		defer f.Close()
		_, err = io.Copy(h, f)
		return err
	})
}
