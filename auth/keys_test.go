package auth_test

import (
	"bytes"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"golang.org/x/sync/errgroup"

	"github.com/mark-analyst/mark/auth"
)

func TestShortSecretsAreRefused(t *testing.T) {
	short := strings.Repeat("s", 31)
	for name, open := range map[string]func() (*auth.Keys, error){
		"configured": func() (*auth.Keys, error) { return auth.LoadKeys(t.TempDir(), short) },
		"second":     func() (*auth.Keys, error) { return auth.NewKeys([]byte(secret), []byte(short)) },
		"none":       func() (*auth.Keys, error) { return auth.NewKeys() },
	} {
		_, err := open()
		if err == nil {
			t.Errorf("%s: no error", name)
		} else if strings.Contains(err.Error(), short) {
			t.Errorf("%s: %q repeats the secret", name, err)
		}
	}
	if _, err := auth.LoadKeys("", short+"s"); err != nil {
		t.Errorf("32 bytes: %v", err)
	}
}

func TestTheKeyIsMadeOnceAndKept(t *testing.T) {
	folder := filepath.Join(t.TempDir(), "data") // not there yet
	loaded := make([]*auth.Keys, 16)
	var processes errgroup.Group
	for i := range loaded {
		processes.Go(func() (err error) { loaded[i], err = auth.LoadKeys(folder, ""); return err })
	}
	must(t, processes.Wait())
	first, key := loaded[0].AccessKey()
	for _, k := range loaded {
		if id, other := k.AccessKey(); id != first || !bytes.Equal(key, other) {
			t.Fatal("processes that start at once got different keys")
		}
	}
	file := filepath.Join(folder, "keys", "jwt")
	info, err := os.Stat(file)
	must(t, err)
	if info.Mode().Perm() != 0o600 {
		t.Errorf("the file has mode %o", info.Mode().Perm())
	}
	files, err := os.ReadDir(filepath.Dir(file))
	must(t, err)
	if len(files) != 1 {
		t.Errorf("left behind: %v", files)
	}
	elsewhere, err := auth.LoadKeys(t.TempDir(), "")
	must(t, err)
	if id, _ := elsewhere.AccessKey(); id == first {
		t.Error("two folders have one key")
	}
}

func TestTheKeyFileMayHoldEarlierKeys(t *testing.T) {
	folder := t.TempDir()
	before, err := auth.LoadKeys(folder, "")
	must(t, err)
	file := filepath.Join(folder, "keys", "jwt")
	old, err := os.ReadFile(file)
	must(t, err)
	must(t, os.WriteFile(file, append([]byte(strings.Repeat("bmV3", 16)+"\n\n"), old...), 0o600))
	after, err := auth.LoadKeys(folder, "")
	must(t, err)
	token, _, err := auth.NewAccessTokens(before, at(noon)).Issue(someone())
	must(t, err)
	if _, _, err := auth.NewAccessTokens(after, at(noon)).Read(token); err != nil {
		t.Errorf("an earlier token: %v", err)
	}
	old1, _ := before.AccessKey()
	if new1, _ := after.AccessKey(); new1 == old1 {
		t.Error("the line on top does not sign")
	}
}

func TestABadKeyFileIsRefused(t *testing.T) {
	for name, c := range map[string]struct {
		text string
		mode os.FileMode
	}{
		"empty": {"", 0o600}, "not base64": {"*** secret ***\n", 0o600}, "short": {"c2hvcnQ=\n", 0o600},
		"readable by all": {strings.Repeat("bmV3", 16) + "\n", 0o644},
	} {
		folder := t.TempDir()
		must(t, os.Mkdir(filepath.Join(folder, "keys"), 0o700))
		file := filepath.Join(folder, "keys", "jwt")
		must(t, os.WriteFile(file, []byte(c.text), c.mode))
		must(t, os.Chmod(file, c.mode))
		if _, err := auth.LoadKeys(folder, ""); err == nil {
			t.Errorf("%s: no error", name)
		} else if !strings.Contains(err.Error(), file) || strings.Contains(err.Error(), "secret ***") {
			t.Errorf("%s: %q does not name the file, or repeats it", name, err)
		}
	}
}

func TestAKeyFolderThatCannotBeMade(t *testing.T) {
	folder := t.TempDir()
	must(t, os.WriteFile(filepath.Join(folder, "keys"), nil, 0o600))
	if _, err := auth.LoadKeys(folder, ""); err == nil {
		t.Error("no error")
	}
}
