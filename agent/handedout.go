package agent

import (
	"bufio"
	"context"
	"encoding/binary"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"

	"github.com/mark-analyst/mark/warehouse"
)

const (
	// pageBytes is about how much of a result one answer to Python holds, bytes of
	// CSV: in base 64 below what an answer may have.
	pageBytes = 640 << 10
	// maxRow is how long a row can be, bytes of CSV: one must fit an answer.
	maxRow = 760 << 10
)

// handedOut is a result that Python takes page by page, while its step runs.
type handedOut struct {
	schema    json.RawMessage
	rows      int64
	truncated bool
	next      int // the page that is asked for next
	pages     pages
	release   func()
}

// pages are the rows of a result as CSV.
type pages interface {
	// page returns the next rows, few enough for an answer; none after the last.
	page() ([]byte, error)
	close()
}

func (r *handedOut) close() {
	r.pages.close()
	r.release()
}

// errRowTooLong is told to the program.
var errRowTooLong = &warehouse.Error{Code: warehouse.CodeResponseTooLarge, Message: "A row of the result is too long for Python. Select fewer columns."}

// spool holds the pages of a result in a file that nobody else finds, each behind
// its length, so that the warehouse is done with it while Python takes its time.
type spool struct {
	file *os.File
	in   *bufio.Reader
}

// take reads a result into pages.
func take(ctx context.Context, r warehouse.Result) (*handedOut, error) {
	file, err := os.CreateTemp("", "mark-result-*")
	if err != nil {
		return nil, fmt.Errorf("keep a result: %w", err)
	}
	s := &spool{file: file}
	if err = os.Remove(file.Name()); err == nil {
		err = s.fill(ctx, r)
	}
	if err == nil {
		_, err = file.Seek(0, io.SeekStart)
	}
	if err != nil {
		s.close()
		return nil, err
	}
	s.in = bufio.NewReaderSize(file, 64<<10)
	return &handedOut{pages: s, release: func() {}, schema: encode(r.Columns()), rows: r.TotalRows(), truncated: r.Truncated()}, nil
}

func (s *spool) fill(ctx context.Context, r warehouse.Result) error {
	var page []byte
	for {
		row, err := r.Next(ctx)
		if errors.Is(err, io.EOF) {
			return s.put(page)
		}
		if err != nil {
			return err
		}
		before := len(page)
		if page, err = warehouse.AppendCSV(page, row); err != nil {
			return err
		}
		if len(page)-before > maxRow {
			return errRowTooLong
		}
		if len(page) < pageBytes {
			continue
		}
		whole := len(page)
		if whole > maxRow {
			whole = before
		}
		if err := s.put(page[:whole]); err != nil {
			return err
		}
		page = append(page[:0], page[whole:]...)
	}
}

func (s *spool) put(page []byte) error {
	if len(page) == 0 {
		return nil
	}
	_, err := s.file.Write(binary.BigEndian.AppendUint32(nil, uint32(len(page))))
	if err == nil {
		_, err = s.file.Write(page)
	}
	if err != nil {
		return fmt.Errorf("keep a result: %w", err)
	}
	return nil
}

func (s *spool) page() ([]byte, error) {
	var size [4]byte
	if _, err := io.ReadFull(s.in, size[:]); err != nil {
		if errors.Is(err, io.EOF) {
			return nil, nil
		}
		return nil, fmt.Errorf("read a result: %w", err)
	}
	page := make([]byte, binary.BigEndian.Uint32(size[:]))
	if _, err := io.ReadFull(s.in, page); err != nil {
		return nil, fmt.Errorf("read a result: %w", err)
	}
	return page, nil
}

func (s *spool) close() { s.file.Close() } //nolint:errcheck // it is gone either way

// stored are the pages of a result that is kept as a file of JSON lines.
type stored struct {
	file    *os.File
	lines   *bufio.Reader
	pending []byte // a row that the page before had no room for
}

func (s *stored) page() ([]byte, error) {
	page := s.pending
	s.pending = nil
	for len(page) < pageBytes {
		line, err := s.lines.ReadBytes('\n')
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			return nil, fmt.Errorf("read a result: %w", err)
		}
		before := len(page)
		if page, err = warehouse.AppendCSVOfLine(page, line); err != nil {
			return nil, err
		}
		if len(page)-before > maxRow {
			return nil, errRowTooLong
		}
		if len(page) > maxRow {
			s.pending = page[before:]
			page = page[:before:before]
			break
		}
	}
	return page, nil
}

func (s *stored) close() { s.file.Close() } //nolint:errcheck // it was read only
