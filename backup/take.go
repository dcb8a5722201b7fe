package backup

import (
	"context"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"

	"filippo.io/age"

	"github.com/mark-analyst/mark/internal/clock"
	"github.com/mark-analyst/mark/internal/datadir"
	"github.com/mark-analyst/mark/store"
)

// Source says what is copied.
type Source struct {
	DataDir string
	Version string // Mark's
	// Recipients are whom the archive is encrypted for; none: it is in the clear.
	Recipients  []age.Recipient
	WithoutKeys bool // leave the key files out
	Sessions    bool // copy Python variables too
	Clock       clock.Clock
	// Progress is told of each piece that was copied; nil: nobody is.
	Progress func(Progress)
}

// Report tells of an archive.
type Report struct {
	Header
	Bytes int64    // of its members, in the clear
	Files int      // blobs
	Lost  []string // blobs that the data folder lacks
}

// ErrNone says that there is nothing to copy.
var ErrNone = errors.New("there is no database in the data folder")

var errBusy = errors.New("another backup of this data folder is being taken")

// WriteFile takes a backup into a new file, which others on the machine cannot
// read. There is the whole archive under that name, or nothing.
func WriteFile(ctx context.Context, path string, s Source) (report Report, err error) {
	if _, err := os.Lstat(path); !errors.Is(err, fs.ErrNotExist) {
		return report, errors.Join(fmt.Errorf("%s is there already: name a new file, or remove that one", path), err)
	}
	folder := filepath.Dir(path)
	f, err := os.CreateTemp(folder, "."+filepath.Base(path)+".*.partial") // mode 0600
	if err != nil {
		return report, fmt.Errorf("make the archive: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, f.Close(), os.Remove(f.Name()))
		}
	}()
	if report, err = Write(ctx, f, s); err != nil {
		return report, err
	}
	if err := errors.Join(f.Sync(), os.Rename(f.Name(), path), syncFolder(folder)); err != nil {
		return report, fmt.Errorf("keep the archive: %w", err)
	}
	return report, f.Close()
}

// Write takes a backup. Mark may run meanwhile. After an error what was written
// is no archive.
func Write(ctx context.Context, to io.Writer, s Source) (_ Report, err error) {
	if _, err := os.Stat(filepath.Join(s.DataDir, store.File)); err != nil {
		return Report{}, fmt.Errorf("%w: %w", ErrNone, err)
	}
	t := &taking{Source: s}
	leave, err := t.enter()
	if err != nil {
		return Report{}, err
	}
	defer func() { err = errors.Join(err, leave()) }()
	if t.blobs, err = os.OpenRoot(s.DataDir); err != nil {
		return Report{}, err
	}
	defer t.blobs.Close()
	if t.out, err = newWriter(to, s.Recipients, s.Clock.Now()); err != nil {
		return Report{}, err
	}
	report, err := t.run(ctx)
	if err != nil {
		t.out.abandon()
		return report, err
	}
	return report, t.out.close()
}

// taking is a backup that is being taken.
type taking struct {
	Source
	scratch string   // folder of the database's copy
	blobs   *os.Root // the data folder
	out     *writer
	files   int
}

// enter makes the folder that the database is copied to: in the data folder, for
// there is room of the kind that the database needs, and nobody else can look.
func (t *taking) enter() (leave func() error, err error) {
	release, err := lockBackups(t.DataDir)
	if err != nil {
		return nil, err
	}
	t.scratch = filepath.Join(t.DataDir, "backup.tmp")
	if err := errors.Join(os.RemoveAll(t.scratch), os.Mkdir(t.scratch, 0o700)); err != nil { // of one that was killed
		return nil, errors.Join(err, release())
	}
	return func() error { return errors.Join(os.RemoveAll(t.scratch), release()) }, nil
}

// lockFile is locked by whoever takes a backup of the data folder.
const lockFile = "backup.lock"

func lockBackups(dataDir string) (release func() error, err error) {
	release, err = datadir.Lock(filepath.Join(dataDir, lockFile))
	if errors.Is(err, datadir.ErrBusy) {
		return nil, errBusy
	}
	return release, err
}

// run writes the members.
func (t *taking) run(ctx context.Context) (report Report, err error) {
	found, err := t.snapshot(ctx)
	if err != nil {
		return report, err
	}
	report.Header = Header{
		Format: format, Mark: t.Version, CreatedAt: t.out.at, Migration: found.migration,
		Keys: !t.WithoutKeys, Sessions: t.Sessions,
	}
	if err := t.out.json(ctx, headerName, report.Header); err != nil {
		return report, err
	}
	if !t.WithoutKeys {
		if err := t.folder(ctx, datadir.Keys); err != nil {
			return report, err
		}
	}
	if t.Sessions {
		if err := t.folder(ctx, datadir.Sessions); err != nil {
			return report, err
		}
	}
	if report.Lost, err = t.consistent(ctx, found); err != nil {
		return report, err
	}
	report.Files, report.Bytes = t.files-len(report.Lost), t.out.bytes
	return report, nil
}

// maxRounds bounds how often the database is copied: each round takes a small
// part of the time of the one before, so that there is hardly ever a third.
const maxRounds = 20

// consistent copies the blobs, the database, and the manifest. It returns the
// blobs that the database refers to and that are not there.
func (t *taking) consistent(ctx context.Context, found content) ([]string, error) {
	for round, missed := 1, map[string]bool{}; ; round++ {
		lost, vanished, err := t.copyBlobs(ctx, found.blobs, missed)
		if err != nil {
			return nil, err
		}
		if vanished == 0 {
			return lost, t.finish(ctx, found, lost)
		}
		if round == maxRounds {
			return nil, errors.New("so much is being deleted that no moment could be copied: try again when less is going on")
		}
		migration := found.migration
		if found, err = t.snapshot(ctx); err != nil {
			return nil, err
		}
		if found.migration != migration {
			return nil, errors.New("Mark was updated meanwhile: take the backup again")
		}
	}
}

// copyBlobs copies the blobs that were not copied yet. Those that are not there
// have vanished since the database was copied, or, where they were missed before
// that already, are lost.
func (t *taking) copyBlobs(ctx context.Context, keys []string, missed map[string]bool) (lost []string, vanished int, err error) {
	t.files = len(keys)
	for i, key := range keys {
		name := datadir.Files + "/" + key
		if _, done := t.out.has[name]; done {
			continue
		}
		t.tell(fmt.Sprintf("files, %d of %d", i+1, len(keys)), 0)
		switch err := t.copyFile(ctx, name); {
		case errors.Is(err, fs.ErrNotExist) && missed[key]:
			lost = append(lost, key)
		case errors.Is(err, fs.ErrNotExist):
			missed[key] = true
			vanished++
		case err != nil:
			return nil, 0, err
		}
	}
	return lost, vanished, nil
}

// copyFile copies a file of the data folder.
func (t *taking) copyFile(ctx context.Context, name string) error {
	f, err := t.blobs.Open(filepath.FromSlash(name))
	if err != nil {
		return err
	}
	defer f.Close()
	return t.out.file(ctx, name, f)
}

// folder copies the files of a folder that an archive may hold; others are being
// written.
func (t *taking) folder(ctx context.Context, folder string) error {
	entries, err := os.ReadDir(filepath.Join(t.DataDir, folder))
	if errors.Is(err, fs.ErrNotExist) {
		return nil // not made yet, or not needed
	}
	if err != nil {
		return err
	}
	for _, entry := range entries {
		name := folder + "/" + entry.Name()
		if _, ok := largest(name); !ok {
			continue
		}
		t.tell(folder, 0)
		if err := t.copyFile(ctx, name); err != nil && !errors.Is(err, fs.ErrNotExist) { // replaced or erased meanwhile
			return err
		}
	}
	return nil
}

func (t *taking) copied() string { return filepath.Join(t.scratch, store.File) }

// snapshot copies the database into the scratch folder and reads the copy.
func (t *taking) snapshot(ctx context.Context) (content, error) {
	if err := errors.Join(os.RemoveAll(t.scratch), os.Mkdir(t.scratch, 0o700)); err != nil {
		return content{}, err
	}
	source := filepath.Join(t.DataDir, store.File)
	info, err := os.Stat(source)
	if err != nil {
		return content{}, err
	}
	if t.Progress != nil {
		t.Progress(Progress{Phase: "database", Total: info.Size()})
	}
	if err := copyDatabase(ctx, source, t.copied()); err != nil {
		return content{}, err
	}
	return readDatabase(ctx, t.copied())
}

// finish copies the copy of the database, and writes the manifest.
func (t *taking) finish(ctx context.Context, found content, lost []string) error {
	// Only of the last copy: until its files are copied no time is to be lost.
	if err := checkDatabase(ctx, t.copied()); err != nil {
		return err
	}
	f, err := os.Open(t.copied())
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	t.tell("database", t.out.bytes+info.Size())
	if err := t.out.file(ctx, store.File, f); err != nil {
		return err
	}
	refers := map[string]bool{}
	for _, key := range found.blobs {
		refers[datadir.Files+"/"+key] = true
	}
	manifest := Manifest{Lost: lost}
	for name, member := range t.out.has {
		if refers[name] || !strings.HasPrefix(name, datadir.Files+"/") {
			manifest.Members = append(manifest.Members, member)
		}
	}
	slices.SortFunc(manifest.Members, func(a, b Member) int { return strings.Compare(a.Name, b.Name) })
	return t.out.json(ctx, manifestName, manifest)
}

// tell makes the archive's growth known under a phase.
func (t *taking) tell(phase string, total int64) {
	if t.Progress != nil {
		t.out.told = func(bytes int64) { t.Progress(Progress{Phase: phase, Done: bytes, Total: total}) }
	}
}

// syncFolder makes a rename in a folder last.
func syncFolder(path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	return errors.Join(f.Sync(), f.Close())
}
