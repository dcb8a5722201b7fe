package bigquery

import (
	"fmt"
	"io"
	"runtime"
	"strings"
	"testing"

	bq "google.golang.org/api/bigquery/v2"

	"github.com/mark-analyst/mark/warehouse"
	"github.com/mark-analyst/mark/warehouse/bqfake"
)

// What is held in memory while a result is read is a page, however long the
// result is.
func TestReadingHoldsAPage(t *testing.T) {
	peak := func(n int) uint64 {
		fake := shop(t)
		wide := wideAnswer(n)
		fake.Answer("SELECT 2", wide)
		w := open(t, fake, func(c *Config) { c.Policy.MaxBytes = 0 })
		plan, err := w.Plan(t.Context(), warehouse.Query{SQL: "SELECT 2"})
		if err != nil {
			t.Fatal(err)
		}
		r, err := w.Run(t.Context(), plan)
		if err != nil {
			t.Fatal(err)
		}
		defer r.Close()
		watch := &watcher{every: 4 << 20}
		written, err := warehouse.WriteJSONLines(t.Context(), watch, r)
		if err != nil || written.Rows != int64(n) {
			t.Fatalf("%d rows, %v", written.Rows, err)
		}
		return watch.peak
	}
	few, many := peak(20_000), peak(70_000)
	t.Logf("live heap at most: 20,000 rows %d MiB, 70,000 rows %d MiB", few>>20, many>>20)
	if many > few+few/2+(16<<20) {
		t.Errorf("memory grows with the result: %d MiB, then %d MiB", few>>20, many>>20)
	}
}

// wideAnswer has rows of about 250 bytes.
func wideAnswer(n int) bqfake.Answer {
	a := bqfake.Answer{TotalRows: n}
	for i := range 8 {
		a.Schema = append(a.Schema, &bq.TableFieldSchema{Name: fmt.Sprint("c", i), Type: "STRING"})
	}
	text := strings.Repeat("x", 30)
	a.Row = func(int) []any { return []any{text, text, text, text, text, text, text, text} }
	return a
}

// watcher discards what is written and looks at the live heap now and then.
type watcher struct {
	every, next, n int
	peak           uint64
}

func (w *watcher) Write(p []byte) (int, error) {
	if w.n += len(p); w.n >= w.next {
		w.next += w.every
		var m runtime.MemStats
		runtime.GC()
		runtime.ReadMemStats(&m)
		w.peak = max(w.peak, m.HeapAlloc)
	}
	return len(p), nil
}

// BenchmarkRead measures rows from the wire to lines of JSON, the fake included.
func BenchmarkRead(b *testing.B) {
	fake := shop(b)
	const n = 50_000
	fake.Answer("SELECT 2", wideAnswer(n))
	w := open(b, fake, func(c *Config) { c.Policy.MaxBytes = 0 })
	for b.Loop() {
		plan, err := w.Plan(b.Context(), warehouse.Query{SQL: "SELECT 2"})
		if err != nil {
			b.Fatal(err)
		}
		r, err := w.Run(b.Context(), plan)
		if err != nil {
			b.Fatal(err)
		}
		written, err := warehouse.WriteJSONLines(b.Context(), io.Discard, r)
		if err != nil || written.Rows != n {
			b.Fatal(written.Rows, err)
		}
		b.SetBytes(written.Bytes)
		r.Close()
	}
	b.ReportMetric(float64(n)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
}
