package eventlog_test

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"

	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/eventlog"
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

// BenchmarkDurable is what writers get through, each to a run of its own that
// somebody follows: events in the table and with the follower, a second. Three
// events of 130 bytes are what a coalescer writes at once. Beside it the same
// without group commit, every append being a transaction.
func BenchmarkDurable(b *testing.B) {
	benches(b, func(b *testing.B, db database) {
		for _, c := range []struct{ writers, batch int }{{1, 1}, {16, 3}, {256, 1}, {256, 3}, {256, 10}, {1000, 3}} {
			for _, way := range []string{"grouped", "alone"} {
				b.Run(fmt.Sprintf("writers=%d/batch=%d/%s", c.writers, c.batch, way), func(b *testing.B) {
					l := db.log(b)
					appends := l.Append
					if way == "alone" {
						appends = func(ctx context.Context, w eventlog.Writer, entries ...eventlog.Entry) ([]eventlog.Event, error) {
							return l.AppendWith(ctx, w, func(context.Context, *ent.Tx) error { return nil }, entries...)
						}
					}
					durable(b, db, l, c.writers, c.batch, appends)
				})
			}
		}
	})
}

type appendFunc func(context.Context, eventlog.Writer, ...eventlog.Entry) ([]eventlog.Event, error)

func durable(b *testing.B, db database, l *eventlog.Log, writers, batch int, appends appendFunc) {
	each := b.N/(writers*batch) + 1
	entries := make([]eventlog.Entry, batch)
	for i := range entries {
		body := fmt.Sprintf(`{"stepId":"stp_0123456789","text":"%s"}`, strings.Repeat("ten bytes ", 9))
		entries[i] = eventlog.Entry{Kind: "TextDelta", Body: json.RawMessage(body)}
	}
	claims := db.newRuns(b, writers)
	var work sync.WaitGroup
	b.ResetTimer()
	began, used := time.Now(), cpuTime()
	for _, w := range claims {
		work.Go(func() {
			n := 0
			for _, err := range l.Follow(b.Context(), w.RunID, 0) {
				if err != nil {
					b.Error(err)
				}
				if n++; n == each*batch {
					return
				}
			}
		})
		work.Go(func() {
			for range each {
				if _, err := appends(b.Context(), w, entries...); err != nil {
					b.Error(err)
					return
				}
			}
		})
	}
	work.Wait()
	b.StopTimer()
	events := float64(each * batch * writers)
	b.ReportMetric(events/time.Since(began).Seconds(), "events/s")
	b.ReportMetric(float64((cpuTime()-used).Nanoseconds())/events/1e3, "cpu-µs/event")
}

// cpuTime is what this process has used of the processors: on a machine that
// others use too it says more than the time that passed.
func cpuTime() time.Duration {
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		panic(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano())
}

// BenchmarkFollowers is what 1000 followers of one run receive together.
func BenchmarkFollowers(b *testing.B) {
	benches(b, func(b *testing.B, db database) {
		for _, batch := range []int{1, 10} {
			b.Run(fmt.Sprintf("batch=%d", batch), func(b *testing.B) {
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
				began, used := time.Now(), cpuTime()
				for b.Loop() {
					if _, err := l.Append(b.Context(), w, texts(1, batch)...); err != nil {
						b.Fatal(err)
					}
					events += batch
				}
				if _, err := l.AppendFinal(b.Context(), w, finish(w.RunID), finished); err != nil {
					b.Fatal(err)
				}
				wg.Wait()
				deliveries := float64((events + 1) * followers)
				b.ReportMetric(deliveries/time.Since(began).Seconds(), "deliveries/s")
				b.ReportMetric(float64((cpuTime()-used).Nanoseconds())/deliveries, "cpu-ns/delivery")
			})
		}
	})
}
