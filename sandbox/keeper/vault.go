package keeper

import (
	"archive/tar"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"os"
	"path/filepath"
	"strings"
	"sync/atomic"
	"time"

	"filippo.io/age"
	"github.com/klauspost/compress/zstd"
)

// A vault is the folder of snapshots. Each key has a note, in the clear, and,
// while it is kept, an image: a tar of the snapshot's files, compressed with
// zstd and encrypted with age (https://age-encryption.org/v1). Beside it there
// are earlier ones, the points.
type vault struct {
	dir string
	key
	// spare is about how many bytes may still be saved before prune has to look: to
	// look after each image would be to read thousands of notes a step.
	spare atomic.Int64
}

const (
	imageEnding = ".age"
	noteEnding  = ".json"
	tempPrefix  = "making-"
	newEnding   = ".new"
)

// note is what is known of a snapshot without its key.
type note struct {
	Base string    `json:"base"` // what it can be resumed on
	Used time.Time `json:"used"` // when the variables were last asked for
	// Gone says why there is no image any more; empty: there is one.
	Gone string `json:"gone,omitempty"`
	// Behind says why the image lacks the last step; empty: it does not.
	Behind string `json:"behind,omitempty"`
	// Term and Step are what the image is called where nodes share images.
	Term string `json:"term,omitempty"`
	Step int    `json:"step,omitempty"`
}

func openVault(dir, keyFile string, secret []byte) (*vault, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	k, err := loadKey(keyFile, secret)
	if err != nil {
		return nil, err
	}
	for _, pattern := range []string{tempPrefix + "*", "*" + newEnding} {
		left, err := matching(dir, pattern)
		if err != nil {
			return nil, err
		}
		for _, path := range left { // of a process that ended in the middle
			if err := os.RemoveAll(path); err != nil {
				return nil, err
			}
		}
	}
	return &vault{dir: dir, key: k}, nil
}

func (v *vault) image(key string) string { return filepath.Join(v.dir, key+imageEnding) }

// temp makes a folder for a snapshot in the clear, on the vault's file system.
func (v *vault) temp() (string, error) { return os.MkdirTemp(v.dir, tempPrefix) }

// seal encrypts the files in folder into a file of the vault's that is nobody's
// yet; commit makes it a key's image, or the caller removes it.
func (v *vault) seal(ctx context.Context, folder string) (path string, err error) {
	f, err := os.CreateTemp(v.dir, tempPrefix)
	if err != nil {
		return "", err
	}
	err = v.encrypt(ctx, f, folder)
	if err == nil {
		err = f.Sync()
	}
	if err := errors.Join(err, f.Close()); err != nil {
		return "", errors.Join(err, os.Remove(f.Name()))
	}
	return f.Name(), nil
}

// commit replaces a key's image by a sealed file, and its note.
func (v *vault) commit(key, sealed string, n note) error {
	file, err := os.Stat(sealed)
	if err != nil {
		return err
	}
	v.spare.Add(-file.Size())
	// The image first: a note without it would promise what is not there.
	if err := os.Rename(sealed, v.image(key)); err != nil {
		return err
	}
	return v.write(key, n)
}

func (v *vault) encrypt(ctx context.Context, to io.Writer, folder string) error {
	sealed, err := age.Encrypt(to, v.recipient)
	if err != nil {
		return err
	}
	small, err := zstd.NewWriter(sealed, zstd.WithEncoderLevel(zstd.SpeedFastest), zstd.WithEncoderConcurrency(1))
	if err != nil {
		return err
	}
	archive := tar.NewWriter(small)
	entries, err := os.ReadDir(folder)
	if err != nil {
		return err
	}
	for _, entry := range entries {
		if err := addFile(ctx, archive, filepath.Join(folder, entry.Name())); err != nil {
			return err
		}
	}
	return errors.Join(archive.Close(), small.Close(), sealed.Close())
}

func addFile(ctx context.Context, archive *tar.Writer, path string) error {
	f, err := os.Open(path)
	if err != nil {
		return err
	}
	defer f.Close()
	info, err := f.Stat()
	if err != nil {
		return err
	}
	if err := archive.WriteHeader(&tar.Header{Name: filepath.Base(path), Size: info.Size(), Mode: 0o600}); err != nil {
		return err
	}
	_, err = io.Copy(archive, reader{ctx, f})
	return err
}

// unseal writes the files of a key's image to folder. What it returns of an image
// that is damaged, or was made with another key, is errDamaged.
func (v *vault) unseal(ctx context.Context, key, folder string) error {
	f, err := os.Open(v.image(key))
	if err != nil {
		return err
	}
	defer f.Close()
	into, err := os.OpenRoot(folder) // whatever the names in the archive are
	if err != nil {
		return err
	}
	defer into.Close()
	return v.decrypt(ctx, f, func(name string) (io.WriteCloser, error) {
		return into.OpenFile(name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	})
}

func (v *vault) decrypt(ctx context.Context, from io.Reader, create func(name string) (io.WriteCloser, error)) error {
	opened, err := age.Decrypt(reader{ctx, from}, v.identity)
	if err != nil {
		return damaged(ctx, err)
	}
	plain, err := zstd.NewReader(opened, zstd.WithDecoderConcurrency(2))
	if err != nil {
		return err
	}
	defer plain.Close()
	for archive := tar.NewReader(plain); ; {
		header, err := archive.Next()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return damaged(ctx, err)
		}
		if header.Typeflag != tar.TypeReg {
			return damaged(ctx, fmt.Errorf("entry %q", header.Name))
		}
		out, err := create(header.Name)
		if err != nil {
			return err
		}
		to := &sink{w: out}
		_, err = io.CopyN(to, archive, header.Size)
		closed := out.Close()
		switch {
		case to.err != nil: // a full disk is no fault of the image's
			return to.err
		case err != nil:
			return damaged(ctx, err)
		case closed != nil:
			return closed
		}
	}
}

// sink tells the failure to write of a copy from the failure to read.
type sink struct {
	w   io.Writer
	err error // of writing
}

func (s *sink) Write(b []byte) (int, error) {
	n, err := s.w.Write(b)
	s.err = err
	return n, err
}

var errDamaged = errors.New("keeper: the snapshot is damaged")

func damaged(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return fmt.Errorf("%w: %w", errDamaged, err)
}

// read returns a key's note, and false where nothing is known of the key. A note
// that cannot be read, or an image without one, says that there was something.
func (v *vault) read(key string) (note, bool) {
	path := filepath.Join(v.dir, key+noteEnding)
	image, errImage := os.Stat(v.image(key))
	var n note
	text, err := os.ReadFile(path)
	if err == nil {
		err = json.Unmarshal(text, &n)
	}
	if err != nil {
		if errImage != nil {
			if image, err = os.Stat(path); err != nil {
				return note{}, false
			}
		}
		return note{Used: image.ModTime(), Gone: goneDamaged}, true
	}
	if n.Gone == "" && errImage != nil {
		n.Gone = goneDamaged
	}
	return n, true
}

func (v *vault) write(key string, n note) error {
	text, err := json.Marshal(n)
	if err != nil {
		return err
	}
	path := filepath.Join(v.dir, key+noteEnding)
	if err := os.WriteFile(path+newEnding, text, 0o600); err != nil {
		return errors.Join(err, remove(path+newEnding))
	}
	return os.Rename(path+newEnding, path)
}

// drop removes a key's image and notes why.
func (v *vault) drop(key string, n note, why string) error {
	n.Gone = why
	return errors.Join(remove(v.image(key)), v.write(key, n))
}

// forget leaves of a key its points alone.
func (v *vault) forget(key string) error {
	return errors.Join(remove(v.image(key)), remove(filepath.Join(v.dir, key+noteEnding)))
}

// erase leaves nothing of a key.
func (v *vault) erase(key string) error { return errors.Join(v.forget(key), v.erasePoints(key)) }

// clear removes what temp or seal made. What cannot be removed now is at the next
// start.
func (v *vault) clear(path string) { _ = os.RemoveAll(path) }

// gone returns the keys whose image is gone.
func (v *vault) gone() []kept {
	notes, _ := matching(v.dir, "*"+noteEnding) // the pattern is a good one
	var all []kept
	for _, path := range notes {
		key := strings.TrimSuffix(filepath.Base(path), noteEnding)
		if n, known := v.read(key); known && n.Gone != "" && goodKey.MatchString(key) {
			all = append(all, kept{key: key, note: n})
		}
	}
	return all
}

// kept is an image in the vault.
type kept struct {
	key  string
	file fs.FileInfo
	note note
}

// list returns all images that are the newest of their key.
func (v *vault) list() ([]kept, error) {
	entries, err := os.ReadDir(v.dir)
	if err != nil {
		return nil, err
	}
	var all []kept
	for _, entry := range entries {
		key, ok := strings.CutSuffix(entry.Name(), imageEnding)
		if !ok || !goodKey.MatchString(key) {
			continue
		}
		info, err := entry.Info()
		if err != nil {
			continue // removed meanwhile
		}
		if n, known := v.read(key); known {
			all = append(all, kept{key, info, n})
		}
	}
	return all, nil
}

// matching are the files in a folder whose names match a pattern. The folder's own
// name is none, whatever characters are in it.
func matching(folder, pattern string) ([]string, error) {
	names, err := fs.Glob(os.DirFS(folder), pattern)
	for i, name := range names {
		names[i] = filepath.Join(folder, name)
	}
	return names, err
}

func remove(path string) error {
	if err := os.Remove(path); err != nil && !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

// reader is a reader that ends with its context.
type reader struct {
	ctx context.Context //nolint:containedctx // of one copy
	r   io.Reader
}

func (r reader) Read(b []byte) (int, error) {
	if err := r.ctx.Err(); err != nil {
		return 0, err
	}
	return r.r.Read(b)
}
