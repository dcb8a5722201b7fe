package logstream_test

import (
	"context"
	"errors"
	"iter"
	"slices"
	"testing"

	"github.com/mark-analyst/mark/internal/logstream"
)

// Without a Host the channel delivers by itself, from where the subscriber stands
// to the end, or to what cannot be made a value.
func TestChannelWithoutHost(t *testing.T) {
	for _, c := range []struct {
		name    string
		after   int
		follow  error // after the third
		value   error // of the second
		want    []string
		failure bool
	}{
		{"all", 0, nil, nil, []string{"1", "2", "3"}, false},
		{"the rest", 2, nil, nil, []string{"3"}, false},
		{"following fails", 0, errors.New("away"), nil, []string{"1", "2", "3"}, true},
		{"a value fails", 0, nil, errors.New("away"), []string{"1"}, true},
	} {
		t.Run(c.name, func(t *testing.T) {
			var failed error
			values := logstream.Stream[int, string]{
				Log: "l", After: c.after, Argument: "after",
				Follow: func(_ context.Context, after int) iter.Seq2[int, error] {
					return func(yield func(int, error) bool) {
						for n := after + 1; n <= 3; n++ {
							if !yield(n, nil) {
								return
							}
						}
						if c.follow != nil {
							yield(0, c.follow)
						}
					}
				},
				Key: func(n int) logstream.Key { return logstream.Key{Number: n} },
				Value: func(_ context.Context, n int) (string, error) {
					if n == 2 && c.value != nil {
						return "", c.value
					}
					return string(rune('0' + n)), nil
				},
				Failed: func(_ context.Context, err error) { failed = err },
			}.Channel(t.Context())
			var got []string
			for v := range values {
				got = append(got, v)
			}
			if !slices.Equal(got, c.want) || (failed != nil) != c.failure {
				t.Errorf("got %q, failed with %v", got, failed)
			}
		})
	}
}
