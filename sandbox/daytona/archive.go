package daytona

import (
	"archive/zip"
	"bytes"
	"crypto/sha256"
	"encoding/hex"
	"fmt"
	"io/fs"

	"github.com/mark-analyst/mark/sandbox/kernel"
)

// archive is the kernel as one file that Python runs as it is.
type archive struct {
	data []byte
	hash string // SHA-256, hexadecimal: names it in the sandbox
}

// packKernel packs the kernel's sources. Equal sources give equal bytes: names
// come in order and without times.
func packKernel() (archive, error) {
	var out bytes.Buffer
	z := zip.NewWriter(&out)
	err := fs.WalkDir(kernel.Files(), ".", func(path string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() {
			return err
		}
		source, err := fs.ReadFile(kernel.Files(), path)
		if err != nil {
			return err
		}
		w, err := z.CreateHeader(&zip.FileHeader{Name: path, Method: zip.Deflate})
		if err != nil {
			return err
		}
		_, err = w.Write(source)
		return err
	})
	if err != nil {
		return archive{}, fmt.Errorf("daytona: pack the kernel: %w", err)
	}
	if err := z.Close(); err != nil {
		return archive{}, fmt.Errorf("daytona: pack the kernel: %w", err)
	}
	return archive{data: out.Bytes(), hash: hashOf(out.Bytes())}, nil
}

// hashOf is SHA-256 in hexadecimal.
func hashOf(data []byte) string {
	sum := sha256.Sum256(data)
	return hex.EncodeToString(sum[:])
}
