package backup

import (
	"archive/tar"
	"bufio"
	"context"
	"crypto/sha256"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"

	"filippo.io/age"
	"github.com/klauspost/compress/zstd"

	"github.com/mark-analyst/mark/internal/datadir"
)

var (
	errDamaged = errors.New("the archive is damaged, or not complete")
	errForeign = errors.New("this is no archive of `mark backup`")
)

// damaged says of what the libraries could not read that the archive is damaged.
// What is not about the archive stays what it is.
func damaged(err error) error {
	if pathError := (*os.PathError)(nil); errors.Is(err, context.Canceled) || errors.Is(err, context.DeadlineExceeded) || errors.As(err, &pathError) {
		return err
	}
	return fmt.Errorf("%w: %w", errDamaged, err)
}

// zstdMagic begins what zstd has compressed.
const zstdMagic = "\x28\xb5\x2f\xfd"

// unpacking is an archive that is being read into a folder.
type unpacking struct {
	into     *os.Root
	folder   string // the same
	progress func(Progress)

	header   Header
	manifest Manifest
	has      map[string]Member
	bytes    int64
}

// unpack reads an archive into an empty folder, looking at all of it. Whatever
// is wrong with it is an error.
func unpack(ctx context.Context, from io.Reader, folder string, identities []age.Identity, progress func(Progress)) (_ *unpacking, err error) {
	plain, err := unseal(reader{ctx, from}, identities)
	if err != nil {
		return nil, err
	}
	in := bufio.NewReader(plain)
	if start, err := in.Peek(len(zstdMagic)); string(start) != zstdMagic {
		if err != nil && !errors.Is(err, io.EOF) {
			return nil, damaged(err)
		}
		return nil, errForeign
	}
	// The encoder's windows are 4 MiB; the bound is what a forged archive could
	// make this process take.
	large, err := zstd.NewReader(in, zstd.WithDecoderConcurrency(2), zstd.WithDecoderMaxWindow(64<<20))
	if err != nil {
		return nil, damaged(err)
	}
	defer large.Close()
	root, err := os.OpenRoot(folder)
	if err != nil {
		return nil, err
	}
	defer root.Close()
	u := &unpacking{into: root, folder: folder, progress: progress, has: map[string]Member{}}
	if err := u.members(tar.NewReader(large)); err != nil {
		return nil, err
	}
	// The compression's and the encryption's own ends are looked at too.
	if n, err := io.Copy(io.Discard, io.LimitReader(large, 1<<20)); err != nil {
		return nil, damaged(err)
	} else if n == 1<<20 {
		return nil, fmt.Errorf("%w: something follows its end", errDamaged)
	}
	return u, u.compare()
}

// members reads all members.
func (u *unpacking) members(in *tar.Reader) error {
	for {
		h, err := in.Next()
		if errors.Is(err, io.EOF) {
			if _, whole := u.has[manifestName]; !whole {
				return fmt.Errorf("%w: it ends before its manifest", errDamaged)
			}
			return nil
		}
		if err != nil {
			return damaged(err)
		}
		if err := u.check(h); err != nil {
			return err
		}
		switch h.Name {
		case headerName:
			if err := u.read(in, h, &u.header); err != nil {
				return err
			}
			if err := u.header.known(); err != nil {
				return err
			}
		case manifestName:
			if err := u.read(in, h, &u.manifest); err != nil {
				return err
			}
		default:
			if err := u.write(in, h); err != nil {
				return err
			}
		}
	}
}

// check refuses a member that no archive of Write's has.
func (u *unpacking) check(h *tar.Header) error {
	most, known := largest(h.Name)
	_, twice := u.has[h.Name]
	_, ended := u.has[manifestName]
	switch {
	case len(u.has) == 0 && h.Name != headerName:
		return errForeign
	case !known:
		return fmt.Errorf("%w: it holds %q, which no backup does", errDamaged, h.Name)
	case h.Typeflag != tar.TypeReg:
		return fmt.Errorf("%w: %s is not a regular file in it", errDamaged, h.Name)
	case twice:
		return fmt.Errorf("%w: it holds %s twice", errDamaged, h.Name)
	case ended:
		return fmt.Errorf("%w: %s follows its manifest", errDamaged, h.Name)
	case h.Size > most:
		return fmt.Errorf("%w: %s has %d bytes, and can have %d", errDamaged, h.Name, h.Size, most)
	}
	for key := range h.PAXRecords {
		if strings.HasPrefix(key, "GNU.sparse") { // a few bytes that claim to be many
			return fmt.Errorf("%w: %s is not a regular file in it", errDamaged, h.Name)
		}
	}
	room, err := datadir.Room(u.folder)
	if err != nil {
		return err
	}
	if h.Size > room {
		return fmt.Errorf("%s has %d bytes, and the disk of %s has room for %d", h.Name, h.Size, u.folder, room)
	}
	return nil
}

// read decodes a member.
func (u *unpacking) read(in io.Reader, h *tar.Header, into any) error {
	text, err := io.ReadAll(in)
	if err != nil {
		return damaged(err)
	}
	if err := json.Unmarshal(text, into); err != nil {
		return fmt.Errorf("%w: %s: %w", errDamaged, h.Name, err)
	}
	u.note(h, sha256.Sum256(text))
	return nil
}

// write copies a member into the folder.
func (u *unpacking) write(in io.Reader, h *tar.Header) error {
	path := filepath.FromSlash(h.Name)
	if err := u.into.MkdirAll(filepath.Dir(path), 0o700); err != nil {
		return err
	}
	f, err := u.into.OpenFile(path, os.O_CREATE|os.O_EXCL|os.O_WRONLY, 0o600)
	if err != nil {
		return err
	}
	hash := sha256.New()
	_, err = io.Copy(io.MultiWriter(f, hash), in)
	if err != nil {
		err = damaged(err)
	}
	if err := errors.Join(err, f.Sync(), f.Close()); err != nil {
		return err
	}
	u.note(h, [sha256.Size]byte(hash.Sum(nil)))
	return nil
}

func (u *unpacking) note(h *tar.Header, sum [sha256.Size]byte) {
	u.has[h.Name] = Member{Name: h.Name, Size: h.Size, SHA256: hex.EncodeToString(sum[:])}
	u.bytes += h.Size
	if u.progress != nil {
		u.progress(Progress{Phase: "checking " + h.Name, Done: u.bytes})
	}
}

// compare holds what there is against the manifest, and removes the blobs that it
// does not list.
func (u *unpacking) compare() error {
	listed := map[string]bool{manifestName: true}
	for _, member := range u.manifest.Members {
		listed[member.Name] = true
		switch has, ok := u.has[member.Name]; {
		case !ok:
			return fmt.Errorf("%w: %s is missing", errDamaged, member.Name)
		case has != member:
			return fmt.Errorf("%w: %s is not what the manifest says", errDamaged, member.Name)
		}
	}
	for name := range u.has {
		switch {
		case listed[name]:
		case strings.HasPrefix(name, datadir.Files+"/"):
			if err := u.into.Remove(filepath.FromSlash(name)); err != nil {
				return err
			}
		default:
			return fmt.Errorf("%w: its manifest does not list %s", errDamaged, name)
		}
	}
	return nil
}
