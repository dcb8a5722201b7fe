package datasets_test

import (
	"bytes"
	"context"
	"errors"
	"io"
	"os"
	"strings"
	"sync"
	"testing"
	"testing/iotest"
	"unicode/utf16"

	"github.com/mark-analyst/mark/datasets"
	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/chat"
	"github.com/mark-analyst/mark/ent/dataset"
	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/internal/fault"
	"github.com/mark-analyst/mark/internal/ids"
)

func TestUpload(t *testing.T) {
	seen := make(chan execution.Spec, 1)
	watched := func() datasets.Sandbox {
		return script{run: func(_ context.Context, spec execution.Spec) (any, error) { seen <- spec; return good(), nil }}
	}
	each(t, watched, datasets.Limits{}, func(t *testing.T, w *world) {
		ctx := w.person(t)
		c, err := w.client.Chat.Create().Save(ctx)
		must(t, err)
		d, err := w.Upload(ctx, " My\u202e table ", "C:\\tmp\\ta\x00ble.csv", csv(), &c.ID)
		must(t, err)
		if d.State != dataset.StatePending || d.Name != "My table" || d.FileName != "table.csv" || d.SizeBytes != 16 || len(d.Sha256) != 64 {
			t.Errorf("uploaded: %+v", d)
		}
		spec := <-seen
		if len(spec.Files) != 1 || spec.Files[0].Name != "table.csv" || spec.Limits.StepTime == 0 {
			t.Errorf("profiled with %+v", spec)
		}
		d = w.settled(t, ctx, d.ID)
		content, err := os.ReadFile(spec.Files[0].Path)
		must(t, err)
		if d.State != dataset.StateReady || *d.RowCount != 2 || d.Format != "CSV" || d.LoadCode == "" || d.SyncedAt == nil ||
			len(d.Sample) == 0 || len(d.Notes) != 1 || string(content) != "name,size\na,\nb,\n" {
			t.Errorf("profiled: %+v", d)
		}
		cols := d.Edges.Columns
		if len(cols) != 2 || cols[0].Name != "name" || *cols[0].Max != "b" || cols[1].Position != 1 || cols[1].Min != nil ||
			!strings.Contains(cols[1].Description, "size") || cols[0].OwnerID != d.OwnerID {
			t.Errorf("columns: %v", cols)
		}
		if n, err := w.client.Dataset.Query().Where(dataset.HasChatsWith(chat.ID(c.ID))).Count(ctx); err != nil || n != 1 {
			t.Errorf("in the chat: %d, %v", n, err)
		}
		if err := w.Delete(w.person(t), d.ID); !fault.Is(err, fault.NotFound) {
			t.Errorf("deleted by a stranger: %v", err)
		}
		must(t, w.Delete(ctx, d.ID))
		w.nothing(t)
		for _, id := range []string{d.ID, ids.New(ids.Dataset), "x", ""} {
			if err := w.Delete(ctx, id); !fault.Is(err, fault.NotFound) {
				t.Errorf("deleting %q: %v", id, err)
			}
		}
	})
}

func TestAddSample(t *testing.T) {
	each(t, succeeds, datasets.Limits{}, func(t *testing.T, w *world) {
		ctx := w.person(t)
		d, err := w.AddSample(ctx, "penguins", nil)
		must(t, err)
		if d.Name != "Palmer penguins" || d.FileName != "penguins.csv" || !strings.Contains(d.Description, "Gorman") {
			t.Errorf("%+v", d)
		}
		if _, err := w.AddSample(ctx, "../penguins", nil); !fault.Is(err, fault.NotFound) {
			t.Errorf("a sample that is none: %v", err)
		}
	})
}

// TestUploadRefuses: each file and argument that can never work is answered
// with a typed error, and leaves nothing.
func TestUploadRefuses(t *testing.T) {
	limits := datasets.Limits{UploadBytes: 1000}
	each(t, succeeds, limits, func(t *testing.T, w *world) {
		ctx, stranger := w.person(t), w.person(t)
		theirs, err := w.client.Chat.Create().Save(stranger)
		must(t, err)
		png := append([]byte("\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR"), make([]byte, 100)...)
		elf := append([]byte("\x7fELF\x02\x01\x01\x00"), make([]byte, 100)...)
		ole := append([]byte("\xd0\xcf\x11\xe0\xa1\xb1\x1a\xe1"), make([]byte, 600)...)
		for _, c := range []struct {
			name, title string
			content     io.Reader
			chat        *string
			code        fault.Code
			field       string
		}{
			{"no byte", "", strings.NewReader(""), nil, fault.BadUserInput, "file"},
			{"a byte too many", "", strings.NewReader(strings.Repeat("a", 1001)), nil, fault.LimitExceeded, "file"},
			{"without an end", "", endless{}, nil, fault.LimitExceeded, "file"},
			{"refused on its way", "", io.MultiReader(strings.NewReader("a,b\n"), iotest.ErrReader(fault.New(fault.LimitExceeded, "The file is larger than 1000 bytes."))), nil, fault.LimitExceeded, "file"},
			{"an image", "", bytes.NewReader(png), nil, fault.BadUserInput, "file"},
			{"a program", "", bytes.NewReader(elf), nil, fault.BadUserInput, "file"},
			{"an old Excel file", "", bytes.NewReader(ole), nil, fault.BadUserInput, "file"},
			{"a long name", strings.Repeat("ä", 201), csv(), nil, fault.BadUserInput, "name"},
			{"a chat unheard of", "", csv(), ref(ids.New(ids.Chat)), fault.NotFound, "chatId"},
			{"a stranger's chat", "", csv(), &theirs.ID, fault.NotFound, "chatId"},
			{"no chat's id", "", csv(), ref("x"), fault.NotFound, "chatId"},
		} {
			_, err := w.Upload(ctx, c.title, "t.csv", c.content, c.chat)
			f, ok := fault.As(err)
			if !ok || f.Code != c.code || f.Field != c.field {
				t.Errorf("%s: %v", c.name, err)
			}
			if c.code == fault.LimitExceeded && (f == nil || f.Message != "The file is larger than 1000 bytes, which is the limit.") {
				t.Errorf("%s: %v", c.name, err)
			}
		}
		_, err = w.Upload(ctx, "", "t.csv", strings.NewReader(""), nil)
		if !errors.Is(err, datasets.ErrEmptyFile) {
			t.Errorf("no byte: %v", err)
		}
		if _, err := w.Upload(t.Context(), "", "t.csv", csv(), nil); !fault.Is(err, fault.Unauthenticated) {
			t.Errorf("nobody: %v", err)
		}
		w.nothing(t)
	})
}

type endless struct{}

func (endless) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = 'a'
	}
	return len(p), nil
}

// TestUploadTakes what looks like something else at a glance.
func TestUploadTakes(t *testing.T) {
	each(t, succeeds, datasets.Limits{}, func(t *testing.T, w *world) {
		ctx := w.person(t)
		var wide bytes.Buffer
		for _, u := range utf16.Encode([]rune("\ufeffname,size\n")) {
			wide.Write([]byte{byte(u), byte(u >> 8)})
		}
		for name, content := range map[string][]byte{
			"a bitmap's first letters": []byte("BMI,age\n22,30\n"),
			"a program's":              []byte("MZ,x\n1,2\n"),
			"HTML":                     []byte("<html><table></table></html>"), // profiling tells
			"UTF-16":                   wide.Bytes(),
			"a zip":                    []byte("PK\x03\x04\x14\x00\x00\x00\x00\x00"),
			"a Parquet file":           []byte("PAR1\x00\x00PAR1"),
			"some bytes":               {0, 1, 2, 3},
			"one byte":                 {'a'},
		} {
			if _, err := w.Upload(ctx, name, "t.csv", bytes.NewReader(content), nil); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	})
}

// TestHangUp: a client that goes away in the middle of an upload leaves nothing.
func TestHangUp(t *testing.T) {
	each(t, succeeds, datasets.Limits{}, func(t *testing.T, w *world) {
		ctx := w.person(t)
		broken := func(n int64) io.Reader {
			return io.MultiReader(io.LimitReader(endless{}, n), iotest.ErrReader(io.ErrUnexpectedEOF))
		}
		for _, n := range []int64{0, 1, 100, 1 << 20} {
			if _, err := w.Upload(ctx, "", "t.csv", broken(n), nil); !errors.Is(err, io.ErrUnexpectedEOF) {
				t.Errorf("after %d bytes: %v", n, err)
			}
		}
		gone, cancel := context.WithCancel(ctx)
		seen := false
		content := io.MultiReader(io.LimitReader(endless{}, 1<<20), readerFunc(func(p []byte) (int, error) {
			seen = seen || len(w.blobs(t)) > 0
			cancel()
			return len(p), nil
		}))
		if _, err := w.Upload(gone, "", "t.csv", content, nil); !errors.Is(err, context.Canceled) || !seen {
			t.Errorf("cancelled: %v; something was being written: %t", err, seen)
		}
		// The file arrives whole, and then the client is gone.
		gone, cancel = context.WithCancel(ctx)
		last := io.MultiReader(csv(), readerFunc(func([]byte) (int, error) { cancel(); return 0, io.EOF }))
		if _, err := w.Upload(gone, "", "t.csv", last, nil); err == nil {
			t.Error("cancelled at the end: taken")
		}
		// The file is stored, and the client goes before the row is.
		gone, cancel = context.WithCancel(ctx)
		w.client.Dataset.Use(func(next ent.Mutator) ent.Mutator {
			return ent.MutateFunc(func(ctx context.Context, m ent.Mutation) (ent.Value, error) {
				cancel()
				return next.Mutate(ctx, m)
			})
		})
		if _, err := w.Upload(gone, "", "t.csv", csv(), nil); !errors.Is(err, context.Canceled) {
			t.Errorf("cancelled before the row: %v", err)
		}
		w.nothing(t)
	})
}

type readerFunc func([]byte) (int, error)

func (f readerFunc) Read(p []byte) (int, error) { return f(p) }

// TestRoom: a person's datasets are bounded in number and size, also when they
// come at once, and nobody takes another's room.
func TestRoom(t *testing.T) {
	limits := datasets.Limits{PerUser: 3, UserBytes: 100}
	each(t, succeeds, limits, func(t *testing.T, w *world) {
		ctx, other := w.person(t), w.person(t)
		_, err := w.Upload(other, "", "t.csv", strings.NewReader(strings.Repeat("a", 100)), nil)
		must(t, err)
		_, err = w.Upload(ctx, "", "t.csv", strings.NewReader(strings.Repeat("a", 90)), nil)
		must(t, err)
		if _, err := w.Upload(ctx, "", "t.csv", strings.NewReader(strings.Repeat("a", 11)), nil); !fault.Is(err, fault.LimitExceeded) {
			t.Errorf("11 bytes where 10 are left: %v", err)
		}
		taken := w.atOnce(t, ctx, 8, 1)
		if n, err := w.client.Dataset.Query().Count(ctx); taken != 2 || n != 3 || err != nil || len(w.blobs(t)) != 4 {
			t.Errorf("%d were taken, %d are there with %d files, %v", taken, n, len(w.blobs(t)), err)
		}
		if taken := w.atOnce(t, w.person(t), 3, 60); taken != 1 || len(w.blobs(t)) != 5 {
			t.Errorf("%d of 60 bytes were taken where 100 fit, %d files", taken, len(w.blobs(t)))
		}
	})
}

// atOnce uploads n files of a size, none of which ends before all have begun,
// and returns how many were taken.
func (w *world) atOnce(t *testing.T, ctx context.Context, n, size int) (taken int) {
	t.Helper()
	var begun, ended sync.WaitGroup
	begun.Add(n)
	errs := make(chan error, n)
	for range n {
		ended.Go(func() {
			rest := readerFunc(func([]byte) (int, error) { begun.Done(); begun.Wait(); return 0, io.EOF })
			_, err := w.Upload(ctx, "", "t.csv", io.MultiReader(strings.NewReader(strings.Repeat("a", size)), rest), nil)
			errs <- err
		})
	}
	ended.Wait()
	close(errs)
	for err := range errs {
		switch {
		case err == nil:
			taken++
		case !fault.Is(err, fault.LimitExceeded):
			t.Error(err)
		}
	}
	return taken
}
