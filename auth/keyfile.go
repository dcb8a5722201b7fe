package auth

import (
	"crypto/rand"
	"encoding/base64"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// LoadKeys makes keys of the configured secret, or, where that is empty, of
// the file keys/jwt in the data folder. The file is made when it is missing,
// readable by its owner alone; of several processes that make it at once, all
// get the same. Each line is a secret in base64, the newest first: to change
// keys without signing anybody out, put a line on top, and take the old one
// away a month later.
func LoadKeys(dataDir, secret string) (*Keys, error) {
	if secret != "" {
		k, err := NewKeys([]byte(secret))
		if err != nil {
			return nil, fmt.Errorf("MARK_JWT_SECRET: %w", err)
		}
		return k, nil
	}
	path := filepath.Join(dataDir, "keys", "jwt")
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := makeKeyFile(path); err != nil {
			return nil, fmt.Errorf("auth: make the signing key: %w", err)
		}
		text, err = os.ReadFile(path)
	}
	if err != nil {
		return nil, fmt.Errorf("auth: the signing key: %w", err)
	}
	if err := private(path); err != nil {
		return nil, err
	}
	var secrets [][]byte
	for line := range strings.Lines(string(text)) {
		if line = strings.TrimSpace(line); line == "" {
			continue
		}
		secret, err := base64.StdEncoding.DecodeString(line)
		if err != nil {
			// The error would repeat part of the line.
			return nil, fmt.Errorf("auth: %s holds a line that is not base64", path)
		}
		secrets = append(secrets, secret)
	}
	k, err := NewKeys(secrets...)
	if err != nil {
		return nil, fmt.Errorf("%s: %w", path, err)
	}
	return k, nil
}

// private refuses a file that others on the machine can read. Windows keeps
// no such bits.
func private(path string) error {
	info, err := os.Stat(path)
	if err != nil {
		return fmt.Errorf("auth: the signing key: %w", err)
	}
	if mode := info.Mode().Perm(); mode&0o007 != 0 && runtime.GOOS != "windows" {
		return fmt.Errorf("auth: everybody on this machine can read %s (mode %o); delete it, so that a new key is made, or run chmod 600 if nobody did", path, mode)
	}
	return nil
}

// makeKeyFile writes a new secret under another name and then links it to its
// place, where it is either whole or not there, and the first one stays.
func makeKeyFile(path string) (err error) {
	folder := filepath.Dir(path)
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	file, err := os.CreateTemp(folder, ".jwt-*") // mode 0600
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, os.Remove(file.Name())) }()
	secret := make([]byte, 2*minSecret)
	rand.Read(secret) // documented never to fail
	_, err = file.WriteString(base64.StdEncoding.EncodeToString(secret) + "\n")
	if err := errors.Join(err, file.Sync(), file.Close()); err != nil {
		return err
	}
	if err := os.Link(file.Name(), path); !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}
