package bench_test

import (
	"bufio"
	"encoding/json"
	"fmt"
	"math/rand/v2"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/internal/piped"
)

// workRounds is how often both sides do all the work, in turn.
const workRounds = 15

// work measures what computing costs more than in a native process, in turn.
func (t *table) work(b *testing.B) {
	source := filepath.Join(b.TempDir(), "rows.csv")
	writeRows(b, source)
	program, err := os.ReadFile(testdata(b, "work.py"))
	if err != nil {
		b.Fatal(err)
	}
	p := provider(b, 0)
	s, err := p.Open(b.Context(), execution.Spec{Files: []execution.File{{Name: "rows.csv", Path: source}}})
	if err != nil {
		b.Fatal(err)
	}
	defer end(b, s)
	says(b, s, "source = '/mnt/input/rows.csv'\n"+string(program))

	cmd := command(b, "-I", "-u", "-c", fmt.Sprintf("source = %q\n%s\nimport sys\nfor _ in sys.stdin: print(measured())", source, program))
	cmd.Stderr = os.Stderr
	in, out, end := piped.Start(b, cmd)
	lines := bufio.NewScanner(out)
	lines.Scan()
	inside, native := map[string]spread{}, map[string]spread{}
	for range workRounds {
		gather(b, inside, says(b, s, "print(measured())"))
		fmt.Fprintln(in)
		if !lines.Scan() {
			b.Fatal("the native process ended")
		}
		gather(b, native, lines.Text())
	}
	if err := end(); err != nil {
		b.Fatal(err)
	}
	for _, w := range []struct {
		name string
		most float64
	}{{"group-by of 1e6 rows", 1.6}, {"sort of 1e6 rows", 1.3}, {"read_csv of 1e6 rows", 1.1}} {
		t.add(b, w.name, inside[w.name], against{"native", native[w.name].at(0.5)}, goal{ratio: w.most})
	}
}

// gather adds what work.py measured, in seconds by name.
func gather(b *testing.B, to map[string]spread, text string) {
	b.Helper()
	var seconds map[string]float64
	if err := json.Unmarshal([]byte(text), &seconds); err != nil {
		b.Fatal(err)
	}
	for name, s := range seconds {
		to[name] = append(to[name], time.Duration(s*float64(time.Second)))
	}
}

// writeRows writes a million rows of CSV.
func writeRows(b *testing.B, path string) {
	b.Helper()
	f, err := os.Create(path)
	if err != nil {
		b.Fatal(err)
	}
	w := bufio.NewWriter(f)
	random := rand.New(rand.NewPCG(1, 2))
	fmt.Fprintln(w, "k,v,w,name")
	for i := range 1_000_000 {
		fmt.Fprintf(w, "%d,%.6f,%.6f,name %d\n", i%1000, random.NormFloat64(), random.NormFloat64(), i%5000)
	}
	if err := w.Flush(); err != nil {
		b.Fatal(err)
	}
	if err := f.Close(); err != nil {
		b.Fatal(err)
	}
}
