package main

import (
	"context"
	"crypto/rand"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	_ "gocloud.dev/blob/s3blob" // MARK_FILES_URL=s3://…

	"github.com/mark-analyst/mark/files"
	"github.com/mark-analyst/mark/internal/clock"
)

// What several nodes share: a database, a place for files, and one secret, from
// which each derives the same keys.

// openFiles opens where files are kept: in the data folder unless configured.
func (c Config) openFiles(ctx context.Context, now clock.Clock) (*files.Store, error) {
	if c.FilesURL == "" {
		return files.Open(c.DataDir)
	}
	store, err := files.OpenShared(ctx, files.Shared{
		URL: c.FilesURL, CacheDir: filepath.Join(c.DataDir, "cache"), CacheBytes: c.Limits.FilesCache, Clock: now,
	})
	if err != nil {
		return nil, fmt.Errorf("MARK_FILES_URL: %w", err)
	}
	return store, nil
}

// linkSigner makes what signs links: with a key of the configured secret, or of
// one in the data folder.
func (c Config) linkSigner(now clock.Clock) (*files.Signer, error) {
	secret := []byte(c.JWTSecret)
	if len(secret) == 0 {
		var err error
		if secret, err = files.LoadSecret(c.DataDir); err != nil {
			return nil, err
		}
	}
	return files.NewSigner(secret, now)
}

// goodNode is what a node may be called.
var goodNode = regexp.MustCompile(`^[A-Za-z0-9._-]{1,100}$`)

// nodeName is what this process is called when nobody has named it: for the
// machine, and differently after each start.
func nodeName() (string, error) {
	host, err := os.Hostname()
	if err != nil {
		return "", fmt.Errorf("name this node (MARK_NODE does too): %w", err)
	}
	if !goodNode.MatchString(host) || len(host) > 80 {
		host = "node"
	}
	return host + "-" + strings.ToLower(rand.Text()[:6]), nil
}
