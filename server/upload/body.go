package upload

import (
	"errors"
	"io"
	"mime/multipart"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/mark-analyst/mark/internal/fault"
)

// body is a multipart body whose Files take turns to read it.
type body struct {
	cfg    Config
	parts  *multipart.Reader
	rest   *patientReader   // what parts reads from
	expect map[string]*File // by the name of the part; set before any is read

	mu       sync.Mutex // protects what follows, and serialises reading
	part     *multipart.Part
	current  *File           // whose part it is
	taken    map[string]bool // parts that have begun
	err      error           // ends all reading
	exceeded bool            // a limit on size was hit
	closed   bool            // the operation is over
}

// field reads a part that is no file and must be the next one.
func (b *body) field(name string) ([]byte, error) {
	part, err := b.parts.NextPart()
	if err != nil {
		return nil, b.failed(err)
	}
	if part.FormName() != name {
		return nil, fault.New(fault.BadUserInput, "The body must begin with the fields operations and map, in this order.")
	}
	data, err := io.ReadAll(io.LimitReader(part, b.cfg.FieldBytes+1))
	if err != nil {
		return nil, b.failed(err)
	}
	if int64(len(data)) > b.cfg.FieldBytes {
		return nil, b.tooLarge("The field %s is larger than %d bytes.", name, b.cfg.FieldBytes)
	}
	return data, nil
}

// first goes to the first file.
func (b *body) first() (*File, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	err := b.advance()
	return b.current, err
}

// open goes forward to the part of f. The files between are lost.
func (b *body) open(f *File) error {
	for b.current != f {
		if b.closed {
			return fault.New(fault.Internal, "an upload is read after its operation has ended")
		}
		if b.err != nil {
			return b.err
		}
		if b.taken[f.name] {
			return fault.New(fault.Internal, "an upload is read after one that follows it in the request")
		}
		if err := b.advance(); err != nil {
			return err
		}
	}
	if b.closed {
		return fault.New(fault.Internal, "an upload is read after its operation has ended")
	}
	return b.err
}

func (b *body) advance() error {
	part, err := b.parts.NextPart()
	if errors.Is(err, io.EOF) {
		b.err = fault.New(fault.BadUserInput, "A file that map announces is missing.")
		return b.err
	}
	if err != nil {
		b.err = b.failed(err)
		return b.err
	}
	name := part.FormName()
	f := b.expect[name]
	if f == nil || b.taken[name] {
		b.err = fault.New(fault.BadUserInput, "The body has a part that map does not announce.")
		return b.err
	}
	b.part, b.current, b.taken[name] = part, f, true
	return nil
}

// failed gives an error of the connection or the multipart format its code.
// When the client has hung up, net/http has cancelled the operation's context
// by now.
func (b *body) failed(err error) error {
	switch {
	case errors.As(err, new(*http.MaxBytesError)):
		return b.tooLarge("The upload is larger than %d bytes.", b.cfg.FileBytes)
	case errors.Is(err, os.ErrDeadlineExceeded):
		return fault.Wrap(err, fault.BadUserInput, "The upload stalled for %s and was given up.", b.cfg.IdleTimeout)
	case errors.Is(err, errConnection), errors.Is(err, io.ErrUnexpectedEOF), errors.Is(err, io.EOF):
		return fault.Wrap(err, fault.BadUserInput, "The upload ended before it was complete.")
	}
	return fault.Wrap(err, fault.BadUserInput, "The body is not valid multipart/form-data.")
}

func (b *body) tooLarge(format string, args ...any) error {
	b.exceeded = true
	return fault.New(fault.LimitExceeded, format, args...)
}

// finish ends the Files and tells whether the whole body has been read. When
// all files were, it reads the few bytes after them.
func (b *body) finish() bool {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.closed = true
	if b.parts == nil || b.err != nil || len(b.taken) < len(b.expect) || b.expect == nil {
		return false
	}
	for _, f := range b.expect {
		if !f.ended {
			return false
		}
	}
	b.rest.until(time.Now().Add(time.Second))
	_, err := io.CopyN(io.Discard, b.rest, overhead)
	return errors.Is(err, io.EOF)
}

// errConnection marks errors that come from the client's connection and not
// from what it sent.
var errConnection = errors.New("connection lost")

// patientReader gives up when nothing arrives for a while, or at a fixed time
// when one is set.
type patientReader struct {
	from        io.ReadCloser
	patience    time.Duration
	setDeadline func(time.Time) error
	fixed       time.Time
}

func (r *patientReader) until(t time.Time) { r.fixed = t }

// Read implements io.Reader.
func (r *patientReader) Read(p []byte) (int, error) {
	deadline := r.fixed
	if deadline.IsZero() {
		deadline = time.Now().Add(r.patience)
	}
	_ = r.setDeadline(deadline)
	n, err := r.from.Read(p)
	if err != nil && !errors.Is(err, io.EOF) && !errors.Is(err, os.ErrDeadlineExceeded) {
		err = errors.Join(errConnection, err)
	}
	return n, err
}

// Close implements io.Closer.
func (r *patientReader) Close() error { return r.from.Close() }
