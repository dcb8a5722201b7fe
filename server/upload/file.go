package upload

import (
	"errors"
	"io"

	"github.com/mark-analyst/mark/internal/fault"
)

// File is a file on its way, as graphql.Upload.File: it is read once, from
// beginning to end, and while the operation runs. Where a request has several
// files they must be read in the order in which they are sent; beginning with
// a later one gives up those before it. graphql.Upload.Size is -1, since nobody
// knows it yet.
//
// Reading fails with fault.LimitExceeded as soon as the file proves larger
// than allowed, and with fault.BadUserInput when the client hangs up, stalls
// or sends something malformed. Until io.EOF is read the file is not complete.
type File struct {
	body  *body
	name  string
	read  int64
	ended bool
}

var _ io.ReadSeeker = (*File)(nil)

// Read implements io.Reader.
func (f *File) Read(p []byte) (int, error) {
	b := f.body
	b.mu.Lock()
	defer b.mu.Unlock()
	if f.ended {
		return 0, io.EOF
	}
	if err := b.open(f); err != nil {
		return 0, err
	}
	// One byte more than is allowed, to find out whether there is one.
	room := b.cfg.FileBytes - f.read
	if int64(len(p)) > room+1 {
		p = p[:room+1]
	}
	n, err := b.part.Read(p)
	if int64(n) > room {
		b.err = b.tooLarge("The file is larger than %d bytes.", b.cfg.FileBytes)
		return int(room), b.err
	}
	f.read += int64(n)
	switch {
	case errors.Is(err, io.EOF):
		f.ended = true
		return n, io.EOF
	case err != nil:
		b.err = b.failed(err)
		return n, b.err
	}
	return n, nil
}

// Seek implements io.Seeker as far as it means no movement: a stream cannot be
// rewound, but some libraries ask where they are.
func (f *File) Seek(offset int64, whence int) (int64, error) {
	f.body.mu.Lock()
	defer f.body.mu.Unlock()
	if offset == 0 && whence == io.SeekCurrent || offset == f.read && whence == io.SeekStart {
		return f.read, nil
	}
	return f.read, errors.New("upload: a stream cannot be rewound")
}

// Describe returns the name and the media type that the client gives the file,
// neither of which is to be trusted. graphql.Upload has them already for the
// first file of a request. For the others they arrive with the file, so that
// Describe begins to read it.
func (f *File) Describe() (filename, contentType string, err error) {
	b := f.body
	b.mu.Lock()
	defer b.mu.Unlock()
	if err := b.open(f); err != nil {
		return "", "", err
	}
	return b.part.FileName(), b.part.Header.Get("Content-Type"), nil
}

// Of returns the File of what gqlgen hands to a resolver.
func Of(source io.ReadSeeker) (*File, error) {
	f, ok := source.(*File)
	if !ok {
		return nil, fault.New(fault.Internal, "an upload of type %T", source)
	}
	return f, nil
}
