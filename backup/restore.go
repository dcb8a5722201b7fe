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

	"entgo.io/ent/dialect"
	"filippo.io/age"

	"github.com/mark-analyst/mark/internal/clock"
	"github.com/mark-analyst/mark/internal/datadir"
	"github.com/mark-analyst/mark/migrations"
	"github.com/mark-analyst/mark/store"
)

// Target says where an archive is restored to.
type Target struct {
	DataDir string // is made if need be
	// Replace moves what is in the data folder into a folder of its own there.
	Replace    bool
	Identities []age.Identity // what opens the archive, if it is encrypted
	Clock      clock.Clock
	Progress   func(Progress) // nil: nobody is told
}

// Restored tells what was restored.
type Restored struct {
	Report
	Aside string // the folder that what was there before is in; "": there was nothing
}

const (
	stagePrefix = "restoring-"
	asidePrefix = "before-restore-"
)

// Restore makes a data folder of an archive. All of the archive is looked at
// before anything in the folder is touched, and after an error the folder is as
// it was. No Mark may work in the folder.
func Restore(ctx context.Context, from io.Reader, t Target) (_ Restored, err error) {
	made, err := makeFolder(t.DataDir)
	if err != nil {
		return Restored{}, fmt.Errorf("make the data folder: %w", err)
	}
	defer func() {
		if err != nil {
			err = errors.Join(err, removeAll(made))
		}
	}()
	release, err := datadir.Lock(filepath.Join(t.DataDir, datadir.LockFile))
	if errors.Is(err, datadir.ErrBusy) {
		return Restored{}, fmt.Errorf("%w %s: end it first", datadir.ErrBusy, t.DataDir)
	}
	if err != nil {
		return Restored{}, err
	}
	defer func() { err = errors.Join(err, release()) }()
	releaseBackup, err := lockBackups(t.DataDir)
	if err != nil {
		return Restored{}, err
	}
	defer func() { err = errors.Join(err, releaseBackup()) }()
	old, err := t.occupied()
	if err != nil {
		return Restored{}, err
	}
	if len(old) > 0 && !t.Replace {
		return Restored{}, fmt.Errorf("the data folder %s is not empty (%s): choose another with MARK_DATA_DIR, or move that aside with --force",
			t.DataDir, strings.Join(old, ", "))
	}
	stage, err := os.MkdirTemp(t.DataDir, stagePrefix) // on the same file system, for the renames
	if err != nil {
		return Restored{}, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(stage)) }()
	u, err := unpack(ctx, from, stage, t.Identities, t.Progress)
	if err != nil {
		return Restored{}, err
	}
	files, err := u.usable(ctx)
	if err != nil {
		return Restored{}, err
	}
	restored := Restored{Report: Report{Header: u.header, Bytes: u.bytes, Files: files, Lost: u.manifest.Lost}}
	if err := ctx.Err(); err != nil {
		return Restored{}, err
	}
	restored.Aside, err = t.install(stage, old)
	return restored, err
}

// usable makes sure that this Mark can work with what was unpacked.
func (u *unpacking) usable(ctx context.Context) (files int, err error) {
	path := filepath.Join(u.folder, store.File)
	err = checkDatabase(ctx, path)
	var found content
	if err == nil {
		found, err = readDatabase(ctx, path)
	}
	if errors.Is(err, fs.ErrNotExist) {
		return 0, fmt.Errorf("%w: there is no database in it", errDamaged)
	}
	if err != nil {
		return 0, damaged(err)
	}
	if found.migration != u.header.Migration {
		return 0, fmt.Errorf("%w: its database has migration %d, and its header says %d", errDamaged, found.migration, u.header.Migration)
	}
	for _, key := range found.blobs {
		if _, there := u.has[datadir.Files+"/"+key]; !there && !slices.Contains(u.manifest.Lost, key) {
			return 0, fmt.Errorf("%w: its database refers to the file %s, which it has not", errDamaged, key)
		}
	}
	return len(found.blobs) - len(u.manifest.Lost), nil
}

// known refuses an archive that this version cannot read, or not work with.
func (h Header) known() error {
	if h.Format != format {
		return fmt.Errorf("the archive has the format %d, and this Mark knows %d: use the version that made it, %s, or a later one", h.Format, format, h.Mark)
	}
	newest, err := migrations.Newest(dialect.SQLite)
	if err == nil && h.Migration > newest {
		err = fmt.Errorf("the archive is of a newer Mark, %s: its database has migration %d, and this version knows %d", h.Mark, h.Migration, newest)
	}
	return err
}

// occupied lists what in the data folder would be in the way: all but the lock,
// the sandbox, which belongs to the machine, what earlier restores left, and a
// file system's own folder.
func (t Target) occupied() (old []string, err error) {
	entries, err := os.ReadDir(t.DataDir)
	if err != nil {
		return nil, err
	}
	for _, entry := range entries {
		switch name := entry.Name(); {
		case strings.HasPrefix(name, stagePrefix): // of a restore that was killed
			if err := os.RemoveAll(filepath.Join(t.DataDir, name)); err != nil {
				return nil, err
			}
		case name == datadir.LockFile, name == lockFile, name == datadir.Sandbox, name == "lost+found", strings.HasPrefix(name, asidePrefix):
		default:
			old = append(old, name)
		}
	}
	return old, nil
}

// install moves what is there aside and what was unpacked to its place. What it
// cannot finish it takes back.
func (t Target) install(stage string, old []string) (aside string, err error) {
	var undo []func() error
	defer func() {
		if err == nil {
			return
		}
		for _, back := range slices.Backward(undo) {
			err = errors.Join(err, back())
		}
	}()
	move := func(from, to string) error {
		if err := os.Rename(from, to); err != nil {
			return err
		}
		undo = append(undo, func() error { return os.Rename(to, from) })
		return nil
	}
	if len(old) > 0 {
		aside = filepath.Join(t.DataDir, asidePrefix+t.Clock.Now().Format("20060102T150405Z"))
		if err := os.Mkdir(aside, 0o700); err != nil {
			return "", err
		}
		undo = append(undo, func() error { return os.Remove(aside) })
		for _, name := range old {
			if err := move(filepath.Join(t.DataDir, name), filepath.Join(aside, name)); err != nil {
				return "", err
			}
		}
	}
	// The database last: where it is, all is.
	for _, name := range []string{datadir.Keys, datadir.Sessions, datadir.Files, store.File} {
		if err := move(filepath.Join(stage, name), filepath.Join(t.DataDir, name)); err != nil && !errors.Is(err, fs.ErrNotExist) {
			return "", err
		}
	}
	return aside, syncFolder(t.DataDir)
}

// makeFolder makes a folder and those above it, and returns which it made, the
// outermost first.
func makeFolder(path string) (made []string, err error) {
	path, err = filepath.Abs(path)
	if err != nil {
		return nil, err
	}
	for at := path; ; at = filepath.Dir(at) {
		if _, err := os.Stat(at); err == nil || !errors.Is(err, fs.ErrNotExist) {
			break
		}
		made = append(made, at)
	}
	slices.Reverse(made)
	return made, os.MkdirAll(path, 0o700)
}

// removeAll removes what makeFolder made.
func removeAll(made []string) error {
	if len(made) == 0 {
		return nil
	}
	return os.RemoveAll(made[0])
}
