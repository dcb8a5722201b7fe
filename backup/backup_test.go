package backup_test

import (
	"bytes"
	"context"
	"errors"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"filippo.io/age"
	"go.uber.org/goleak"

	"github.com/mark-analyst/mark/backup"
	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/files"
	"github.com/mark-analyst/mark/internal/clock"
	"github.com/mark-analyst/mark/internal/datadir"
	"github.com/mark-analyst/mark/migrations"
	"github.com/mark-analyst/mark/store"
	"github.com/mark-analyst/mark/store/storetest"
)

func TestMain(m *testing.M) { goleak.VerifyTestMain(m) }

func must(t testing.TB, err error) {
	t.Helper()
	if err != nil {
		t.Fatal(err)
	}
}

var noon = clock.Func(func() time.Time { return time.Date(2026, 5, 1, 12, 0, 0, 0, time.UTC) })

// mark is a data folder that is in use.
type mark struct {
	dir   string
	db    *store.Store
	blobs *files.Store
	owner *ent.User
}

func open(t testing.TB, dir string) *mark {
	t.Helper()
	m := &mark{dir: dir, db: storetest.Open(t, store.Config{DataDir: dir})}
	var err error
	m.blobs, err = files.Open(dir)
	must(t, err)
	t.Cleanup(func() { must(t, m.blobs.Close()) })
	return m
}

// newMark is a data folder with an owner, keys, and a saved Python session.
func newMark(t testing.TB) *mark {
	t.Helper()
	m := open(t, filepath.Join(t.TempDir(), "data"))
	m.owner = m.db.Client.User.Create().SetEmail("ada@example.org").SetPasswordHash("x").SaveX(t.Context())
	for name, text := range map[string]string{
		"keys/jwt": "secret", "keys/files.key": "secret", "keys/.jwt-1": "half",
		"sessions/cht_1.age": "image", "sessions/cht_1.json": "{}", "sessions/making-1/x": "half",
		"sandbox/python": "large", "jobs.db": "derived", "files/datasets/aa/x.tmp": "half",
	} {
		path := filepath.Join(m.dir, name)
		must(t, os.MkdirAll(filepath.Dir(path), 0o700))
		must(t, os.WriteFile(path, []byte(text), 0o600))
	}
	return m
}

// upload is what a service does: first the blob, then the row.
func (m *mark) upload(ctx context.Context, text string) (*ent.Dataset, error) {
	o, err := m.blobs.Put(ctx, "datasets", strings.NewReader(text), 1<<20)
	if err != nil {
		return nil, err
	}
	return m.db.Client.Dataset.Create().SetName(text[:1]).SetFileName("t.csv").SetBlobKey(o.Key).SetSha256(o.SHA256).SetSizeBytes(o.Size).
		SetOwnerID(m.owner.ID).Save(ctx)
}

// remove is what a service does: first the row, then the blob.
func (m *mark) remove(ctx context.Context, d *ent.Dataset) error {
	return errors.Join(m.db.Client.Dataset.DeleteOne(d).Exec(ctx), m.blobs.Delete(ctx, d.BlobKey))
}

func (m *mark) source() backup.Source {
	return backup.Source{DataDir: m.dir, Version: "v1", Clock: noon}
}

func take(t testing.TB, s backup.Source) ([]byte, backup.Report) {
	t.Helper()
	var archive bytes.Buffer
	report, err := backup.Write(t.Context(), &archive, s)
	must(t, err)
	return archive.Bytes(), report
}

func restore(t testing.TB, archive []byte, identities ...age.Identity) (dir string, r backup.Restored) {
	t.Helper()
	dir = filepath.Join(t.TempDir(), "a", "data")
	r, err := backup.Restore(t.Context(), bytes.NewReader(archive), backup.Target{DataDir: dir, Clock: noon, Identities: identities})
	must(t, err)
	return dir, r
}

// tree lists the files below a folder, without locks.
func tree(t testing.TB, dir string) []string {
	t.Helper()
	var found []string
	err := filepath.WalkDir(dir, func(path string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() && !strings.HasSuffix(path, "lock") {
			name, _ := filepath.Rel(dir, path)
			found = append(found, filepath.ToSlash(name))
		}
		return err
	})
	if err != nil && !errors.Is(err, fs.ErrNotExist) {
		t.Fatal(err)
	}
	return found
}

// whole checks that a restored folder has all that its database refers to, with
// the content that the database says.
func whole(t testing.TB, dir string) (datasets int) {
	t.Helper()
	m := open(t, dir)
	must(t, migrations.Up(t.Context(), m.db.DB, m.db.Dialect))
	all := m.db.Client.Dataset.Query().AllX(t.Context())
	for _, d := range all {
		path, release, err := m.blobs.LocalPath(t.Context(), d.BlobKey)
		must(t, err)
		text, err := os.ReadFile(path)
		must(t, err)
		if int64(len(text)) != d.SizeBytes {
			t.Errorf("%s has %d bytes, and should have %d", path, len(text), d.SizeBytes)
		}
		release()
	}
	return len(all)
}

func TestBackupAndRestore(t *testing.T) {
	m := newMark(t)
	for _, text := range []string{"a,b\n1,2\n", "c\n", "d\n"} {
		_, err := m.upload(t.Context(), text)
		must(t, err)
	}
	_, err := m.blobs.Put(t.Context(), "artifacts", strings.NewReader("nobody's"), 100)
	must(t, err)
	pair, err := age.GenerateX25519Identity()
	must(t, err)
	forPair, err := backup.Recipients([]string{pair.Recipient().String()}, "")
	must(t, err)
	forPhrase, err := backup.Recipients(nil, "correct horse")
	must(t, err)
	phrase, err := backup.Identities(nil, "correct horse")
	must(t, err)
	keys, sessions := []string{"keys/files.key", "keys/jwt"}, []string{"sessions/cht_1.age", "sessions/cht_1.json"}
	for _, c := range []struct {
		name   string
		change func(*backup.Source)
		opens  []age.Identity
		has    []string
	}{
		{"in the clear", func(*backup.Source) {}, nil, keys},
		{"without keys", func(s *backup.Source) { s.WithoutKeys = true }, nil, nil},
		{"with sessions", func(s *backup.Source) { s.Sessions = true }, nil, append(keys, sessions...)},
		{"for a key", func(s *backup.Source) { s.Recipients = forPair }, []age.Identity{pair}, keys},
		{"with a passphrase", func(s *backup.Source) { s.Recipients = forPhrase }, phrase, keys},
	} {
		t.Run(c.name, func(t *testing.T) {
			source := m.source()
			c.change(&source)
			archive, report := take(t, source)
			dir, restored := restore(t, archive, c.opens...)
			if report.Files != 3 || restored.Files != 3 || restored.Keys == source.WithoutKeys || restored.Mark != "v1" || restored.Aside != "" {
				t.Errorf("reported %+v and %+v", report, restored)
			}
			got := tree(t, dir)
			got = slices.DeleteFunc(got, func(name string) bool { return strings.HasPrefix(name, "files/datasets/") })
			if want := append([]string{"mark.db"}, c.has...); !slices.Equal(slices.Sorted(slices.Values(got)), slices.Sorted(slices.Values(want))) {
				t.Errorf("restored %v, want %v", got, want)
			}
			if n := whole(t, dir); n != 3 {
				t.Errorf("%d datasets", n)
			}
			info, err := os.Stat(filepath.Join(dir, "mark.db"))
			must(t, err)
			if info.Mode().Perm() != 0o600 {
				t.Errorf("the database has mode %o", info.Mode().Perm())
			}
		})
	}
	if left := tree(t, m.dir); slices.ContainsFunc(left, func(name string) bool { return strings.HasPrefix(name, "backup") }) {
		t.Errorf("left behind: %v", left)
	}
}

// TestDeletedWhileItIsCopied deletes, while files are being copied, what the
// first copy of the database refers to.
func TestDeletedWhileItIsCopied(t *testing.T) {
	m := newMark(t)
	var all []*ent.Dataset
	for _, text := range []string{"a\n", "b\n", "c\n", "d\n"} {
		d, err := m.upload(t.Context(), text)
		must(t, err)
		all = append(all, d)
	}
	slices.SortFunc(all, func(a, b *ent.Dataset) int { return strings.Compare(a.BlobKey, b.BlobKey) })
	source := m.source()
	deleted := false
	source.Progress = func(p backup.Progress) {
		if p.Phase == "files, 2 of 4" && !deleted {
			deleted = true
			must(t, m.remove(t.Context(), all[0])) // was copied
			must(t, m.remove(t.Context(), all[3])) // was not
			_, err := m.upload(t.Context(), "e\n")
			must(t, err)
		}
	}
	archive, report := take(t, source)
	if len(report.Lost) > 0 || report.Files != 3 {
		t.Errorf("reported %+v", report)
	}
	dir, _ := restore(t, archive)
	if n := whole(t, dir); n != 3 {
		t.Errorf("%d datasets, want 3: four, less two, and one more", n)
	}
	if _, err := os.Stat(filepath.Join(dir, "files", all[0].BlobKey)); err == nil {
		t.Error("a deleted file came back")
	}
}

func TestAFileThatIsLostIsTold(t *testing.T) {
	m := newMark(t)
	d, err := m.upload(t.Context(), "a\n")
	must(t, err)
	_, err = m.upload(t.Context(), "b\n")
	must(t, err)
	must(t, m.blobs.Delete(t.Context(), d.BlobKey))
	archive, report := take(t, m.source())
	_, restored := restore(t, archive)
	if !slices.Equal(report.Lost, []string{d.BlobKey}) || !slices.Equal(restored.Lost, report.Lost) || report.Files != 1 || restored.Files != 1 {
		t.Errorf("told %+v and %+v", report, restored)
	}
}

// A table of a warehouse has no file, and none is missed.
func TestATableHasNoFile(t *testing.T) {
	m := newMark(t)
	_, err := m.upload(t.Context(), "a\n")
	must(t, err)
	m.db.Client.Dataset.Create().SetOwnerID(m.owner.ID).SetSource("BIGQUERY").SetName("t").SetFileName("p.d.t").ExecX(t.Context())
	archive, report := take(t, m.source())
	_, restored := restore(t, archive)
	if len(report.Lost)+len(restored.Lost) > 0 || report.Files != 1 || restored.Files != 1 {
		t.Errorf("told %+v and %+v", report, restored)
	}
}

// TestWhileMuchIsWritten takes backups while datasets come and go.
func TestWhileMuchIsWritten(t *testing.T) {
	m := newMark(t)
	ctx, stop := context.WithCancel(t.Context())
	done := make(chan error, 4)
	for range cap(done) {
		go func() {
			var mine []*ent.Dataset
			for ctx.Err() == nil {
				// Not ctx: what was begun ends whole, as in a service.
				d, err := m.upload(t.Context(), strings.Repeat("x,y\n", 500))
				if err == nil {
					mine = append(mine, d)
				}
				if err == nil && len(mine) > 200 {
					err = m.remove(t.Context(), mine[0])
					mine = mine[1:]
				}
				if err != nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
	}
	last := 0
	for range 5 {
		archive, report := take(t, m.source())
		dir, _ := restore(t, archive)
		if n := whole(t, dir); len(report.Lost) > 0 || n != report.Files {
			t.Errorf("%d datasets, reported %+v", n, report)
		} else {
			last = n
		}
	}
	stop()
	for range cap(done) {
		must(t, <-done)
	}
	if last == 0 {
		t.Error("nothing was written meanwhile")
	}
}

func TestWriteFileLeavesAllOrNothing(t *testing.T) {
	m := newMark(t)
	for range 3 {
		_, err := m.upload(t.Context(), "abc\n")
		must(t, err)
	}
	folder := t.TempDir()
	path := filepath.Join(folder, "mark.backup")
	ctx, cancel := context.WithCancel(t.Context())
	source := m.source()
	source.Progress = func(p backup.Progress) {
		if strings.HasPrefix(p.Phase, "files, 2") {
			cancel()
		}
	}
	if _, err := backup.WriteFile(ctx, path, source); !errors.Is(err, context.Canceled) {
		t.Errorf("interrupted: %v", err)
	}
	if left := append(tree(t, folder), tree(t, filepath.Join(m.dir, "backup.tmp"))...); len(left) > 0 {
		t.Errorf("left behind: %v", left)
	}
	_, err := backup.WriteFile(t.Context(), path, m.source())
	must(t, err)
	info, err := os.Stat(path)
	must(t, err)
	if left := tree(t, folder); info.Mode().Perm() != 0o600 || len(left) != 1 {
		t.Errorf("mode %o, files %v", info.Mode().Perm(), left)
	}
	if _, err := backup.WriteFile(t.Context(), path, m.source()); err == nil || !strings.Contains(err.Error(), "there already") {
		t.Errorf("over an archive: %v", err)
	}
}

func TestOneBackupAtATime(t *testing.T) {
	m := newMark(t)
	source := m.source()
	var second error
	source.Progress = func(backup.Progress) {
		if second == nil {
			_, second = backup.Write(t.Context(), &bytes.Buffer{}, m.source())
		}
	}
	take(t, source)
	if second == nil || !strings.Contains(second.Error(), "another backup") {
		t.Errorf("a second one: %v", second)
	}
	if _, err := backup.Write(t.Context(), &bytes.Buffer{}, backup.Source{DataDir: t.TempDir(), Clock: noon}); !errors.Is(err, backup.ErrNone) {
		t.Errorf("of an empty folder: %v", err)
	}
}

func TestRestoreOverWhatIsThere(t *testing.T) {
	m := newMark(t)
	_, err := m.upload(t.Context(), "a\n")
	must(t, err)
	archive, _ := take(t, m.source())
	target := backup.Target{DataDir: t.TempDir(), Clock: noon}
	for _, name := range []string{"mark.db", "mark.db-wal", "jobs.db", "sandbox", "note"} {
		must(t, os.WriteFile(filepath.Join(target.DataDir, name), []byte("old"), 0o600))
	}
	before := tree(t, target.DataDir)
	_, err = backup.Restore(t.Context(), bytes.NewReader(archive), target)
	if err == nil || !strings.Contains(err.Error(), "not empty (jobs.db, mark.db, mark.db-wal, note)") || !slices.Equal(tree(t, target.DataDir), before) {
		t.Errorf("%v, and then %v", err, tree(t, target.DataDir))
	}
	target.Replace = true
	// A broken archive moves nothing aside.
	if _, err := backup.Restore(t.Context(), bytes.NewReader(archive[:len(archive)-30]), target); err == nil || !slices.Equal(tree(t, target.DataDir), before) {
		t.Errorf("%v, and then %v", err, tree(t, target.DataDir))
	}
	restored, err := backup.Restore(t.Context(), bytes.NewReader(archive), target)
	must(t, err)
	if old := tree(t, restored.Aside); !slices.Equal(old, []string{"jobs.db", "mark.db", "mark.db-wal", "note"}) {
		t.Errorf("aside: %v", old)
	}
	if _, err := os.Stat(filepath.Join(target.DataDir, "sandbox")); err != nil {
		t.Errorf("the sandbox is gone: %v", err)
	}
	if n := whole(t, target.DataDir); n != 1 {
		t.Errorf("%d datasets", n)
	}
}

func TestRestoreKeepsOutOfAServicesWay(t *testing.T) {
	m := newMark(t)
	archive, _ := take(t, m.source())
	release, err := datadir.Lock(filepath.Join(m.dir, datadir.LockFile))
	must(t, err)
	before := tree(t, m.dir)
	_, err = backup.Restore(t.Context(), bytes.NewReader(archive), backup.Target{DataDir: m.dir, Replace: true, Clock: noon})
	if !errors.Is(err, datadir.ErrBusy) || !slices.Equal(tree(t, m.dir), before) {
		t.Errorf("%v, and then %v", err, tree(t, m.dir))
	}
	must(t, release())
}
