package bench_test

import (
	"fmt"
	"os"
	"path/filepath"
	"testing"
	"time"

	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/sandbox/gvisor"
)

// goBack measures what it costs that variables are kept after a step for going back
// to them, and going back.
func (t *table) goBack(b *testing.B, p *gvisor.Provider) {
	dir := b.TempDir()
	k := keep(b, p, dir)
	s := openKept(b, k, execution.OriginNew)
	for _, step := range []struct{ point, code string }{{"plain", "x = 1"}, {"rows", bigFrame}} {
		result, err := s.Run(b.Context(), step.code, execution.Host{Point: step.point})
		if err != nil || result.Failure != nil {
			b.Fatal(err, result.Failure)
		}
	}
	end(b, s)
	if err := k.Close(b.Context()); err != nil {
		b.Fatal(err)
	}
	for _, point := range []struct{ name, of string }{{"plain", "a session that has only begun"}, {"rows", "1e6 rows"}} {
		info, err := os.Stat(filepath.Join(dir, "sessions", "bench."+point.name+".age"))
		if err != nil {
			b.Fatal(err)
		}
		t.note("a step that can be gone back to, on disk: "+point.of, ms(time.Duration(info.Size())*time.Millisecond/1e6)+" MB", "")
	}
	k = keep(b, p, dir)
	var back, opened, forked spread
	for i := range rounds {
		time.Sleep(thought) // the last step of the round before is saved by then
		begun := time.Now()
		if err := k.Rewind(b.Context(), "bench", "rows"); err != nil {
			b.Fatal(err)
		}
		back = append(back, time.Since(begun))
		s := openKept(b, k, execution.OriginKept)
		says(b, s, "print(len(big))")
		opened = append(opened, time.Since(begun))
		end(b, s)
		begun = time.Now()
		if err := k.Fork(b.Context(), "bench", "rows", fmt.Sprint("fork-", i)); err != nil {
			b.Fatal(err)
		}
		forked = append(forked, time.Since(begun))
	}
	if err := k.Close(b.Context()); err != nil {
		b.Fatal(err)
	}
	t.add(b, "going back to a step (1e6 rows), and the end of the session that lives", back, against{}, goal{})
	t.add(b, "… to the first output", opened, against{}, goal{})
	t.add(b, "fork at a step (1e6 rows)", forked, against{}, goal{})
}
