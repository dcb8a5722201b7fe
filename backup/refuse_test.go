package backup_test

import (
	"archive/tar"
	"bytes"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"io"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/klauspost/compress/zstd"

	"github.com/mark-analyst/mark/backup"
)

// entry is a member of an archive that is made by hand.
type entry struct {
	tar.Header
	text []byte
}

// parts takes an archive apart.
func parts(t testing.TB, archive []byte) (all []entry) {
	t.Helper()
	plain, err := zstd.NewReader(bytes.NewReader(archive))
	must(t, err)
	defer plain.Close()
	for in := tar.NewReader(plain); ; {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			return all
		}
		must(t, err)
		text, err := io.ReadAll(in)
		must(t, err)
		all = append(all, entry{*h, text})
	}
}

// pack puts one together.
func pack(t testing.TB, all []entry) []byte {
	t.Helper()
	var archive bytes.Buffer
	small, err := zstd.NewWriter(&archive)
	must(t, err)
	out := tar.NewWriter(small)
	for _, e := range all {
		if e.Typeflag == tar.TypeReg {
			e.Size = int64(len(e.text))
		}
		must(t, out.WriteHeader(&e.Header))
		_, err := out.Write(e.text)
		must(t, err)
	}
	must(t, errors.Join(out.Close(), small.Close()))
	return archive.Bytes()
}

func index(all []entry, name string) int {
	return slices.IndexFunc(all, func(e entry) bool { return strings.HasPrefix(e.Name, name) })
}

func edit(t testing.TB, e *entry, change func(map[string]any)) {
	t.Helper()
	var value map[string]any
	must(t, json.Unmarshal(e.text, &value))
	change(value)
	var err error
	e.text, err = json.Marshal(value)
	must(t, err)
}

// list makes the manifest fit what there is.
func list(t testing.TB, all []entry) []entry {
	t.Helper()
	at := index(all, "manifest.json")
	edit(t, &all[at], func(m map[string]any) {
		var members []backup.Member
		for i, e := range all {
			if i != at && e.Typeflag == tar.TypeReg {
				sum := sha256.Sum256(e.text)
				members = append(members, backup.Member{Name: e.Name, Size: int64(len(e.text)), SHA256: hex.EncodeToString(sum[:])})
			}
		}
		m["members"] = members
	})
	return all
}

func TestRestoreRefuses(t *testing.T) {
	m := newMark(t)
	_, err := m.upload(t.Context(), "a,b\n1,2\n")
	must(t, err)
	good, _ := take(t, m.source())
	pick := func(name string) func([]entry) *entry {
		return func(all []entry) *entry { return &all[index(all, name)] }
	}
	extra := func(e entry) func([]entry) []entry {
		return func(all []entry) []entry { return list(t, slices.Insert(all, 1, e)) }
	}
	forged := func(change func([]entry) []entry) []byte { return pack(t, change(parts(t, good))) }
	changed := func(name string, change func(map[string]any)) []byte {
		return forged(func(all []entry) []entry { edit(t, pick(name)(all), change); return all })
	}
	file := func(name, text string) entry {
		return entry{tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o600}, []byte(text)}
	}
	sealed := m.source()
	sealed.Recipients, err = backup.Recipients(nil, "correct horse")
	must(t, err)
	secret, _ := take(t, sealed)
	wrong, err := backup.Identities(nil, "battery staple")
	must(t, err)

	for _, c := range []struct {
		name    string
		archive []byte
		says    string
	}{
		{"nothing", nil, "no archive of"},
		{"a text", []byte("Dear Sir or Madam"), "no archive of"},
		{"another tar", forged(func([]entry) []entry { return []entry{file("letter.txt", "Dear")} }), "no archive of"},
		{"an encrypted one, with no key", secret, "--identity"},
		{"climbing", forged(extra(file("../evil", "x"))), "which no backup does"},
		{"climbing from within", forged(extra(file("files/../../evil", "x"))), "which no backup does"},
		{"an absolute path", forged(extra(file("/tmp/evil", "x"))), "which no backup does"},
		{"a strange name", forged(extra(file("files/datasets/aa/x.tmp", "x"))), "which no backup does"},
		{"a symbolic link", forged(extra(entry{tar.Header{Name: "keys/evil", Typeflag: tar.TypeSymlink, Linkname: "/etc/passwd"}, nil})), "not a regular file"},
		{"a hard link", forged(extra(entry{tar.Header{Name: "keys/evil", Typeflag: tar.TypeLink, Linkname: "mark.db"}, nil})), "not a regular file"},
		{"a folder", forged(extra(entry{tar.Header{Name: "keys/evil", Typeflag: tar.TypeDir}, nil})), "not a regular file"},
		{"a member twice", forged(func(all []entry) []entry { return slices.Insert(all, 2, all[1]) }), "twice"},
		{"a member after the end", forged(func(all []entry) []entry { return append(all, file("keys/late", "x")) }), "follows its manifest"},
		{"a member that is too large", forged(extra(file("keys/large", strings.Repeat("x", 65<<10)))), "can have 65536"},
		{"a member that is not listed", forged(func(all []entry) []entry { return slices.Insert(all, 1, file("keys/evil", "x")) }), "does not list keys/evil"},
		{"a changed file", forged(func(all []entry) []entry { pick("files/")(all).text[0] ^= 1; return all }), "not what the manifest says"},
		{"a changed header", changed("header.json", func(h map[string]any) { h["mark"] = "v9" }), "not what the manifest says"},
		{"no header", forged(func(all []entry) []entry { return all[1:] }), "no archive of"},
		{"no manifest", forged(func(all []entry) []entry { return all[:len(all)-1] }), "ends before its manifest"},
		{"no database", forged(func(all []entry) []entry {
			return list(t, slices.DeleteFunc(all, func(e entry) bool { return e.Name == "mark.db" }))
		}), "no database in it"},
		{"a damaged database", forged(func(all []entry) []entry {
			db := pick("mark.db")(all)
			for i := 8192; i < 12288; i++ {
				db.text[i] = 0xff
			}
			return list(t, all)
		}), "database is damaged"},
		{"another database", forged(func(all []entry) []entry { pick("mark.db")(all).text = nil; return list(t, all) }), "no database of Mark's"},
		{"a file that is missing", forged(func(all []entry) []entry {
			return list(t, slices.DeleteFunc(all, func(e entry) bool { return strings.HasPrefix(e.Name, "files/") }))
		}), "which it has not"},
		{"a newer form", changed("header.json", func(h map[string]any) { h["format"] = 2 }), "has the format 2"},
		{"a newer database", changed("header.json", func(h map[string]any) { h["migration"] = 9999 }), "of a newer Mark, v1: its database has migration 9999"},
		{"a database that is newer than it says", forged(func(all []entry) []entry {
			edit(t, pick("header.json")(all), func(h map[string]any) { h["migration"] = 1 })
			return list(t, all)
		}), "header says 1"},
		{"something behind it", append(slices.Clone(good), "Dear Sir"...), "damaged"},
	} {
		t.Run(c.name, func(t *testing.T) { refuses(t, c.archive, backup.Target{}, c.says) })
	}
	t.Run("an encrypted one, with another key", func(t *testing.T) {
		refuses(t, secret, backup.Target{Identities: wrong}, "not the one")
	})
	t.Run("a member that no disk has room for", func(t *testing.T) {
		var archive bytes.Buffer
		small, err := zstd.NewWriter(&archive)
		must(t, err)
		out := tar.NewWriter(small)
		all := parts(t, good)
		must(t, out.WriteHeader(&all[0].Header))
		_, err = out.Write(all[0].text)
		must(t, err)
		must(t, out.WriteHeader(&tar.Header{Name: "mark.db", Typeflag: tar.TypeReg, Size: 4 << 40}))
		must(t, small.Close())
		refuses(t, archive.Bytes(), backup.Target{}, "has room for")
	})
	t.Run("cut off anywhere", func(t *testing.T) {
		for n := 4; n < len(good); n += len(good)/40 + 1 {
			refuses(t, good[:n], backup.Target{}, "damaged, or not complete")
		}
		refuses(t, good[:len(good)-1], backup.Target{}, "damaged, or not complete")
	})
	t.Run("changed anywhere", func(t *testing.T) {
		dir, _ := restore(t, good)
		restored, refused := tree(t, dir), 0
		for n := 4; n < len(good); n += len(good)/40 + 1 {
			bad := slices.Clone(good)
			bad[n] ^= 0x10
			dir := filepath.Join(t.TempDir(), "data")
			_, err := backup.Restore(t.Context(), bytes.NewReader(bad), backup.Target{DataDir: dir, Clock: noon})
			// Not every bit of an archive means something.
			if err == nil && !slices.Equal(tree(t, dir), restored) {
				t.Errorf("byte %d: restored %v, want %v", n, tree(t, dir), restored)
			}
			if err != nil {
				refused++
			}
		}
		if refused < 30 {
			t.Errorf("only %d of 40 were refused", refused)
		}
	})
	t.Run("interrupted", func(t *testing.T) {
		ctx, cancel := context.WithCancel(t.Context())
		dir := filepath.Join(t.TempDir(), "data")
		_, err := backup.Restore(ctx, bytes.NewReader(good), backup.Target{DataDir: dir, Clock: noon, Progress: func(backup.Progress) { cancel() }})
		if left := tree(t, filepath.Dir(dir)); !errors.Is(err, context.Canceled) || len(left) > 0 {
			t.Errorf("%v, and left %v", err, left)
		}
	})
}

// refuses restores what must be refused, and leave nothing.
func refuses(t *testing.T, archive []byte, target backup.Target, says string) {
	t.Helper()
	parent := t.TempDir()
	target.DataDir, target.Clock = filepath.Join(parent, "a", "data"), noon
	_, err := backup.Restore(t.Context(), bytes.NewReader(archive), target)
	if err == nil || !strings.Contains(err.Error(), says) {
		t.Errorf("%d bytes: %v, want %q", len(archive), err, says)
	}
	left, globErr := filepath.Glob(filepath.Join(parent, "*"))
	must(t, globErr)
	if len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
}
