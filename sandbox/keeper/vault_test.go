package keeper

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
)

// full is a file on a disk that has no room.
type full struct{ io.Closer }

var errFull = errors.New("no space left on device")

func (full) Write([]byte) (int, error) { return 0, errFull }

// A disk without room for what an image holds does not make the image a damaged
// one, which would be removed.
func TestAFullDiskIsNoDamage(t *testing.T) {
	dir := t.TempDir()
	v, err := openVault(filepath.Join(dir, "vault"), filepath.Join(dir, "key"), nil)
	if err != nil {
		t.Fatal(err)
	}
	folder := t.TempDir()
	if err := os.WriteFile(filepath.Join(folder, "value"), []byte("some"), 0o600); err != nil {
		t.Fatal(err)
	}
	sealed, err := v.seal(t.Context(), folder)
	if err != nil {
		t.Fatal(err)
	}
	f, err := os.Open(sealed)
	if err != nil {
		t.Fatal(err)
	}
	defer f.Close()
	err = v.decrypt(t.Context(), f, func(string) (io.WriteCloser, error) { return full{io.NopCloser(nil)}, nil })
	if !errors.Is(err, errFull) || errors.Is(err, errDamaged) {
		t.Errorf("decrypt returned %v", err)
	}
}
