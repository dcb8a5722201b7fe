package keeper

import (
	"errors"
	"io"
	"os"
	"path/filepath"
	"testing"
	"time"
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

// A folder may be called what means something in a pattern: what is in it is found
// all the same.
func TestAFolderThatIsCalledLikeAPattern(t *testing.T) {
	dir := t.TempDir()
	folder := filepath.Join(dir, "data [1]*")
	open := func() *vault {
		v, err := openVault(folder, filepath.Join(dir, "key"), nil)
		if err != nil {
			t.Fatal(err)
		}
		return v
	}
	v := open()
	sealed, err := v.seal(t.Context(), t.TempDir())
	if err == nil {
		err = v.keep("chat", "step", sealed, point{}, time.Now())
	}
	if err == nil {
		err = v.drop("other", note{}, goneAge)
	}
	if err == nil {
		err = os.WriteFile(filepath.Join(folder, "half"+newEnding), nil, 0o600)
	}
	if err != nil {
		t.Fatal(err)
	}
	if gone := v.gone(); len(gone) != 1 || gone[0].key != "other" {
		t.Errorf("gone are %v", gone)
	}
	if err := errors.Join(v.erase("chat"), v.erase("other"), os.Remove(sealed)); err != nil {
		t.Fatal(err)
	}
	open() // which removes what was left half made
	left, err := os.ReadDir(folder)
	if err != nil || len(left) != 0 {
		t.Errorf("left: %v, %v", left, err)
	}
}
