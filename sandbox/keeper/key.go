package keeper

import (
	"crypto/hkdf"
	"crypto/sha256"
	"encoding/hex"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"strings"

	"filippo.io/age"
)

// key encrypts what is saved, and opens it.
type key struct {
	recipient age.Recipient
	identity  age.Identity
}

// loadKey derives the key from a secret, or, where that is empty, takes the one in
// the file.
func loadKey(file string, secret []byte) (key, error) {
	if len(secret) == 0 {
		identity, err := loadIdentity(file)
		if err != nil {
			return key{}, err
		}
		return key{identity.Recipient(), identity}, nil
	}
	derived, err := hkdf.Key(sha256.New, secret, nil, "mark: saved Python sessions, 1", sha256.Size)
	if err != nil {
		return key{}, fmt.Errorf("derive the key of kept variables: %w", err)
	}
	// age takes symmetric keys as passphrases only. This one cannot be guessed, so
	// there is nothing to be gained by making guesses slow.
	const workFactor = 1
	recipient, err := age.NewScryptRecipient(hex.EncodeToString(derived))
	if err != nil {
		return key{}, err
	}
	recipient.SetWorkFactor(workFactor)
	identity, err := age.NewScryptIdentity(hex.EncodeToString(derived))
	if err != nil {
		return key{}, err
	}
	identity.SetMaxWorkFactor(workFactor)
	return key{recipient, identity}, nil
}

// loadIdentity reads the key, and makes one the first time.
func loadIdentity(path string) (*age.X25519Identity, error) {
	text, err := os.ReadFile(path)
	if errors.Is(err, fs.ErrNotExist) {
		return makeIdentity(path)
	}
	if err != nil {
		return nil, fmt.Errorf("read the key of kept variables: %w", err)
	}
	identity, err := age.ParseX25519Identity(strings.TrimSpace(string(text)))
	if err != nil {
		return nil, fmt.Errorf("%s is no age key; remove it, and a new one is made (what was kept under the old one is lost): %w", path, err)
	}
	return identity, nil
}

func makeIdentity(path string) (*age.X25519Identity, error) {
	identity, err := age.GenerateX25519Identity()
	if err != nil {
		return nil, err
	}
	if err := os.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return nil, err
	}
	// Half a key would keep the service from starting ever after.
	f, err := os.OpenFile(path+newEnding, os.O_CREATE|os.O_TRUNC|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("make the key of kept variables: %w", err)
	}
	_, err = f.WriteString(identity.String() + "\n")
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return nil, fmt.Errorf("make the key of kept variables: %w", err)
	}
	return identity, os.Rename(path+newEnding, path)
}
