package keeper

import (
	"bytes"
	"errors"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"filippo.io/age"
)

// TestNodesWithOneSecretOpenEachOthersImages: the key follows from the secret, and
// from nothing else.
func TestNodesWithOneSecretOpenEachOthersImages(t *testing.T) {
	secret := strings.Repeat("s", 32)
	file := filepath.Join(t.TempDir(), "key")
	derive := func(secret string) key {
		k, err := loadKey(file, []byte(secret))
		if err != nil {
			t.Fatal(err)
		}
		return k
	}
	var sealed bytes.Buffer
	w, err := age.Encrypt(&sealed, derive(secret).recipient)
	if err != nil {
		t.Fatal(err)
	}
	io.WriteString(w, "variables")
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := os.Stat(file); !errors.Is(err, os.ErrNotExist) {
		t.Errorf("a key file was made: %v", err)
	}
	r, err := age.Decrypt(bytes.NewReader(sealed.Bytes()), derive(secret).identity)
	if err != nil {
		t.Fatal(err)
	}
	if text, err := io.ReadAll(r); string(text) != "variables" {
		t.Errorf("read %q, %v", text, err)
	}
	for name, other := range map[string]string{"another secret": secret + "s", "a file": ""} {
		if _, err := age.Decrypt(bytes.NewReader(sealed.Bytes()), derive(other).identity); err == nil {
			t.Errorf("%s opens it", name)
		}
	}
}
