package tokens

import (
	"encoding/base64"
	"errors"
	"fmt"
	"math/rand/v2"
	"strings"
	"sync"
	"testing"
	"time"
)

// The counts are those that OpenAI's cookbook gives for o200k_base.
func TestCount(t *testing.T) {
	c := New()
	for text, want := range map[string]int{
		"":                             0,
		"hello world":                  2,
		"tiktoken is great!":           6,
		"antidisestablishmentarianism": 6,
		"2 + 2 = 4":                    7,
		"お誕生日おめでとう":                    8,
	} {
		if got := c.Count(text); got != want {
			t.Errorf("%q has %d tokens, want %d", text, got, want)
		}
	}
}

// corpus is a megabyte each of what prompts hold, and of what they should not.
func corpus() map[string]string {
	random := rand.NewChaCha8([32]byte{1})
	raw := make([]byte, 750_000)
	random.Read(raw)
	var table strings.Builder
	for i := 0; table.Len() < 1_000_000; i++ {
		fmt.Fprintf(&table, "%d,%.4f,customer-%d\n", i, float64(random.Uint64()%1e9)/1e4, i)
	}
	return map[string]string{
		"prose":    strings.Repeat("What was the mean price of a house in Oslo last year? ", 18_000),
		"table":    table.String(),
		"base64":   base64.StdEncoding.EncodeToString(raw),
		"bytes":    string(raw),
		"letters":  strings.Repeat("a", 1_000_000),
		"spaces":   strings.Repeat(" ", 1_000_000),
		"newlines": strings.Repeat("\n", 1_000_000),
		"symbols":  strings.Repeat("!@#$%^&*", 125_000),
		"Chinese":  strings.Repeat("数据分析", 83_000),
		"emoji":    strings.Repeat("👩‍👩‍👧", 50_000),
	}
}

// No text may take a run's time: a megabyte takes a third of a second on a slow
// machine, and the limit is there to notice what is not linear.
func TestAMegabyteIsCountedSoon(t *testing.T) {
	c := New()
	c.Count("warm")
	for name, text := range corpus() {
		begun := time.Now()
		n := c.Count(text)
		took := time.Since(begun)
		t.Logf("%-8s %4d kB %7d tokens %4d ms", name, len(text)>>10, n, took.Milliseconds())
		if took > 10*time.Second {
			t.Errorf("%s took %s", name, took)
		}
		if n == 0 || n > Estimate(text) {
			t.Errorf("%s has %d tokens, estimated at %d", name, n, Estimate(text))
		}
	}
}

type broken struct{ panics bool }

func (b broken) Count(string) (int, error) {
	if b.panics {
		panic("no vocabulary")
	}
	return 0, errors.New("no vocabulary")
}

func TestWhatCannotBeCountedIsEstimated(t *testing.T) {
	for _, b := range []broken{{panics: true}, {panics: false}} {
		c := &counter{load: func() encoding { return b }}
		if n := c.Count("hello"); n != 4 {
			t.Errorf("%+v: %d", b, n)
		}
	}
}

func TestManyCountAtOnce(t *testing.T) {
	c := New()
	var all sync.WaitGroup
	for range 8 {
		all.Go(func() {
			if n := c.Count("hello world"); n != 2 {
				t.Errorf("%d tokens", n)
			}
		})
	}
	all.Wait()
}

func BenchmarkCount(b *testing.B) {
	c, text := New(), corpus()["prose"]
	b.SetBytes(int64(len(text)))
	for b.Loop() {
		c.Count(text)
	}
}

// counted is a Counter that tells how often it was asked.
type counted struct{ asked int }

func (c *counted) Count(text string) int { c.asked++; return len(text) }

func TestATextIsCountedOnceForAll(t *testing.T) {
	c := &counted{}
	s := Share(c)
	for range 3 {
		for _, text := range []string{"", "a", "tools", "history"} {
			if n := s.Count(text); n != len(text) {
				t.Errorf("%q has %d tokens", text, n)
			}
		}
	}
	if c.asked != 4 {
		t.Errorf("four texts were counted %d times", c.asked)
	}
	for i := range 2 * sharedTexts { // what was not asked for since is forgotten
		s.Count(fmt.Sprint(i))
	}
	if s.Count("tools"); c.asked != 4+2*sharedTexts+1 {
		t.Errorf("counted %d times", c.asked)
	}
}
