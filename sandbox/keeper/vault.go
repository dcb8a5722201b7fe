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
	"time"

	"filippo.io/age"
	"github.com/klauspost/compress/zstd"
)

// A vault is the folder of snapshots. Each key has a note, in the clear, and,
// while it is kept, an image: a tar of the snapshot's files, compressed with
// zstd and encrypted with age (https://age-encryption.org/v1).
type vault struct {
	dir      string
	identity *age.X25519Identity
}

const (
	imageEnding = ".age"
	noteEnding  = ".json"
	tempPrefix  = "making-"
)

// note is what is known of a snapshot without its key.
type note struct {
	Base string    `json:"base"` // what it can be resumed on
	Made time.Time `json:"made"`
	Used time.Time `json:"used"` // when the variables were last asked for
	// Gone says why there is no image any more; empty: there is one.
	Gone string `json:"gone,omitempty"`
	// Behind says why the image lacks the last step; empty: it does not.
	Behind string `json:"behind,omitempty"`
}

func openVault(dir, keyFile string) (*vault, error) {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return nil, err
	}
	identity, err := loadIdentity(keyFile)
	if err != nil {
		return nil, err
	}
	left, err := filepath.Glob(filepath.Join(dir, tempPrefix+"*"))
	if err != nil {
		return nil, err
	}
	for _, path := range left { // of a process that ended in the middle
		if err := os.RemoveAll(path); err != nil {
			return nil, err
		}
	}
	return &vault{dir: dir, identity: identity}, nil
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
	f, err := os.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return nil, fmt.Errorf("make the key of kept variables: %w", err)
	}
	_, err = f.WriteString(identity.String() + "\n")
	return identity, errors.Join(err, f.Sync(), f.Close())
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
	// The image first: a note without it would promise what is not there.
	if err := os.Rename(sealed, v.image(key)); err != nil {
		return err
	}
	return v.write(key, n)
}

func (v *vault) encrypt(ctx context.Context, to io.Writer, folder string) error {
	sealed, err := age.Encrypt(to, v.identity.Recipient())
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
	opened, err := age.Decrypt(reader{ctx, f}, v.identity)
	if err != nil {
		return damaged(ctx, err)
	}
	plain, err := zstd.NewReader(opened, zstd.WithDecoderConcurrency(2))
	if err != nil {
		return err
	}
	defer plain.Close()
	into, err := os.OpenRoot(folder)
	if err != nil {
		return err
	}
	defer into.Close()
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
		out, err := into.OpenFile(header.Name, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
		if err != nil {
			return err
		}
		_, err = io.CopyN(out, archive, header.Size)
		if err := errors.Join(err, out.Close()); err != nil {
			return damaged(ctx, err)
		}
	}
}

var errDamaged = errors.New("keeper: the snapshot is damaged")

func damaged(ctx context.Context, err error) error {
	if ctx.Err() != nil {
		return ctx.Err()
	}
	return fmt.Errorf("%w: %w", errDamaged, err)
}

// read returns a key's note, and false where nothing is known of the key.
func (v *vault) read(key string) (note, bool) {
	var n note
	text, err := os.ReadFile(filepath.Join(v.dir, key+noteEnding))
	if err != nil || json.Unmarshal(text, &n) != nil {
		return note{}, false
	}
	if n.Gone == "" {
		if _, err := os.Stat(v.image(key)); err != nil {
			n.Gone = goneDamaged
		}
	}
	return n, true
}

func (v *vault) write(key string, n note) error {
	text, err := json.Marshal(n)
	if err != nil {
		return err
	}
	path := filepath.Join(v.dir, key+noteEnding)
	if err := os.WriteFile(path+".new", text, 0o600); err != nil {
		return err
	}
	return os.Rename(path+".new", path)
}

// drop removes a key's image and notes why.
func (v *vault) drop(key string, n note, why string) error {
	n.Gone = why
	return errors.Join(remove(v.image(key)), v.write(key, n))
}

// erase leaves nothing of a key.
func (v *vault) erase(key string) error {
	return errors.Join(remove(v.image(key)), remove(filepath.Join(v.dir, key+noteEnding)))
}

// clear removes what temp or seal made. What cannot be removed now is at the next
// start.
func (v *vault) clear(path string) { _ = os.RemoveAll(path) }

// forgetNotes removes the notes of images that are gone since before then.
func (v *vault) forgetNotes(before time.Time) {
	notes, _ := filepath.Glob(filepath.Join(v.dir, "*"+noteEnding)) // the pattern is a good one
	for _, path := range notes {
		key := strings.TrimSuffix(filepath.Base(path), noteEnding)
		if n, known := v.read(key); known && n.Gone != "" && n.Used.Before(before) {
			_ = os.Remove(path) // or the next time
		}
	}
}

// kept is an image in the vault.
type kept struct {
	key   string
	bytes int64
	note  note
}

// list returns all images.
func (v *vault) list() ([]kept, error) {
	entries, err := os.ReadDir(v.dir)
	if err != nil {
		return nil, err
	}
	var all []kept
	for _, entry := range entries {
		key, ok := strings.CutSuffix(entry.Name(), imageEnding)
		if !ok {
			continue
		}
		info, err := entry.Info()
		if err != nil {
			continue // removed meanwhile
		}
		n, known := v.read(key)
		if !known {
			n = note{Made: info.ModTime(), Used: info.ModTime()}
		}
		all = append(all, kept{key, info.Size(), n})
	}
	return all, nil
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
