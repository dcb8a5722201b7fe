package daytona

import (
	"context"
	"crypto/sha256"
	"encoding/base64"
	"encoding/hex"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"path"

	"github.com/mark-analyst/mark/internal/execution"
)

// partBytes is how much of a file goes in one upload: the SDK holds all of an
// upload in memory, and gives it a minute.
const partBytes = 8 << 20

// placed is an input as the relay puts it together.
type placed struct {
	Name  string   `json:"name"`
	Parts []string `json:"parts"`
	Hash  string   `json:"hash"` // SHA-256 of the whole
}

// place brings files into the sandbox's input folder and returns their names.
func (b *box) place(ctx context.Context, files []execution.File) ([]string, error) {
	if len(files) == 0 {
		return nil, nil
	}
	names := make([]string, len(files))
	all := make([]placed, len(files))
	for i, f := range files {
		names[i] = f.Name
		var err error
		if all[i], err = b.uploadParts(ctx, f, i); err != nil {
			return nil, err
		}
	}
	list, err := json.Marshal(all)
	if err != nil {
		return nil, err
	}
	code := fmt.Sprintf("_mark.place(_token, _json.loads(_b64.b64decode(%q)))", base64.StdEncoding.EncodeToString(list))
	if _, err := b.call(ctx, "put the files in place", code); err != nil {
		return nil, err
	}
	return names, nil
}

// uploadParts uploads a file in parts, whose names hold nothing of its own.
func (b *box) uploadParts(ctx context.Context, f execution.File, index int) (placed, error) {
	p := placed{Name: f.Name, Parts: []string{}}
	from, err := os.Open(f.Path)
	if err != nil {
		return p, fmt.Errorf("a file of the session: %w", err)
	}
	defer from.Close()
	whole := sha256.New()
	part := make([]byte, partBytes)
	for n := 0; ; n++ {
		size, err := io.ReadFull(from, part)
		if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, io.ErrUnexpectedEOF) {
			return p, fmt.Errorf("a file of the session: %w", err)
		}
		if size > 0 {
			whole.Write(part[:size])
			to := path.Join(b.folders.life, "parts", fmt.Sprintf("%d-%d", index, n))
			if err := b.upload(ctx, part[:size], to); err != nil {
				return p, err
			}
			p.Parts = append(p.Parts, to)
		}
		if size < len(part) {
			p.Hash = hex.EncodeToString(whole.Sum(nil))
			return p, nil
		}
	}
}
