package eventlog_test

import (
	"fmt"
	"slices"
	"sync"
	"testing"
	"time"
)

// benches runs the benchmark on both databases.
func benches(b *testing.B, bench func(b *testing.B, db database)) {
	b.Run("sqlite", func(b *testing.B) { bench(b, sqlite(b)) })
	b.Run("postgres", func(b *testing.B) { bench(b, postgres(b)) })
}

// BenchmarkLatency is the time from before an append until a follower has the
// event: in the same process, and in another on the same database.
func BenchmarkLatency(b *testing.B) {
	benches(b, func(b *testing.B, db database) {
		here, there := db.log(b), db.log(b)
		for name, l := range map[string]any{"same": here, "other": there} {
			if name == "other" && db.url == "" {
				continue
			}
			b.Run(name, func(b *testing.B) {
				w := db.newRun(b)
				var times []time.Duration
				arrived := make(chan struct{})
				reader := here
				if l == any(there) {
					reader = there
				}
				go func() {
					for range reader.Follow(b.Context(), w.RunID, 0) {
						arrived <- struct{}{}
					}
					close(arrived)
				}()
				for b.Loop() {
					began := time.Now()
					if _, err := here.Append(b.Context(), w, texts(1, 1)...); err != nil {
						b.Fatal(err)
					}
					<-arrived
					times = append(times, time.Since(began))
				}
				if _, err := here.AppendFinal(b.Context(), w, finish(w.RunID), finished); err != nil {
					b.Fatal(err)
				}
				for range arrived { // until the follower has ended
				}
				slices.Sort(times)
				b.ReportMetric(float64(times[len(times)/2].Microseconds()), "p50-µs")
				b.ReportMetric(float64(times[len(times)*99/100].Microseconds()), "p99-µs")
			})
		}
	})
}

// BenchmarkAppend is what writers get through, one event or ten at a time.
func BenchmarkAppend(b *testing.B) {
	benches(b, func(b *testing.B, db database) {
		for _, c := range []struct{ writers, batch int }{{1, 1}, {1, 10}, {16, 1}, {16, 10}} {
			b.Run(fmt.Sprintf("writers=%d/batch=%d", c.writers, c.batch), func(b *testing.B) {
				l := db.log(b)
				var wg sync.WaitGroup
				each := b.N/c.writers + 1
				began := time.Now()
				for range c.writers {
					w := db.newRun(b)
					wg.Go(func() {
						for range each {
							if _, err := l.Append(b.Context(), w, texts(1, c.batch)...); err != nil {
								b.Error(err)
								return
							}
						}
					})
				}
				wg.Wait()
				b.ReportMetric(float64(each*c.writers*c.batch)/time.Since(began).Seconds(), "events/s")
			})
		}
	})
}

// BenchmarkFollowers is what 1000 followers of one run receive together.
func BenchmarkFollowers(b *testing.B) {
	benches(b, func(b *testing.B, db database) {
		l, w := db.log(b), db.newRun(b)
		var wg sync.WaitGroup
		const followers = 1000
		for range followers {
			wg.Go(func() {
				for _, err := range l.Follow(b.Context(), w.RunID, 0) {
					if err != nil {
						b.Error(err)
					}
				}
			})
		}
		events := 0
		began := time.Now()
		for b.Loop() {
			if _, err := l.Append(b.Context(), w, texts(1, 10)...); err != nil {
				b.Fatal(err)
			}
			events += 10
		}
		if _, err := l.AppendFinal(b.Context(), w, finish(w.RunID), finished); err != nil {
			b.Fatal(err)
		}
		wg.Wait()
		b.ReportMetric(float64((events+1)*followers)/time.Since(began).Seconds(), "deliveries/s")
	})
}
