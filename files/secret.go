package files

import (
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
)

// secretBytes is as long as the output of the hash that signs.
const secretBytes = 32

// LoadSecret returns the secret that links are signed with, from the folder
// "keys" of the data folder, where it makes one the first time. Processes that
// share the folder get the same.
func LoadSecret(dataDir string) ([]byte, error) {
	folder := filepath.Join(dataDir, "keys")
	path := filepath.Join(folder, "files.key")
	secret, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		if err := makeSecret(folder, path); err != nil {
			return nil, fmt.Errorf("files: make the key that signs links: %w", err)
		}
		secret, err = os.ReadFile(path)
	}
	if err != nil {
		return nil, fmt.Errorf("files: read the key that signs links: %w", err)
	}
	if len(secret) != secretBytes {
		return nil, fmt.Errorf("files: %s is damaged: it has %d bytes and should have %d; remove it, and a new one is made", path, len(secret), secretBytes)
	}
	return secret, nil
}

// makeSecret writes a new secret, unless another process is first.
func makeSecret(folder, path string) error {
	if err := os.MkdirAll(folder, 0o700); err != nil {
		return err
	}
	f, err := os.CreateTemp(folder, "files-*.tmp") // mode 0600
	if err != nil {
		return err
	}
	defer os.Remove(f.Name())
	secret := make([]byte, secretBytes)
	rand.Read(secret) // never fails
	_, err = f.Write(secret)
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	// A link, and not a rename, leaves what is there.
	if err := os.Link(f.Name(), path); err != nil && !errors.Is(err, fs.ErrExist) {
		return err
	}
	return nil
}
