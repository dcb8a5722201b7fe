package eventlog

import (
	"encoding/json"
	"slices"
	"strings"
	"testing"

	"pgregory.net/rapid"
)

// TestTail: whatever is added, a tail has the newest events in order, is bounded
// in number and in bytes, and does not change what it has handed out.
func TestTail(t *testing.T) {
	body := json.RawMessage(strings.Repeat("x", 40<<10))
	rapid.Check(t, func(t *rapid.T) {
		var all tail
		var list []Event
		type handed struct{ got, copied []Event }
		var given []handed
		for _, n := range rapid.SliceOfN(rapid.IntRange(1, 300), 1, 12).Draw(t, "sizes") {
			size := rapid.SampledFrom([]int{2, 2, 100, 40 << 10}).Draw(t, "bytes")
			var events []Event
			for range n {
				e := Event{Seq: len(list) + 1, Body: body[:size]}
				events, list = append(events, e), append(list, e)
			}
			all.add(events)
			if all.newest() != len(list) {
				t.Fatalf("the newest is %d of %d", all.newest(), len(list))
			}
			kept, bytes := 0, 0
			for _, p := range all.pieces {
				kept += len(p.events)
				for _, e := range p.events {
					bytes += len(e.Body)
				}
			}
			if kept != all.events || bytes != all.bytes || kept > tailEvents || bytes > tailBytes {
				t.Fatalf("%d events of %d bytes, counted %d of %d", kept, bytes, all.events, all.bytes)
			}
			after := rapid.IntRange(0, len(list)+1).Draw(t, "after")
			got, behind := all.after(after)
			if behind != (after < len(list)-kept) || behind && got != nil || (len(got) == 0) != (behind || after >= len(list)) {
				t.Fatalf("after %d of %d, %d kept: %d events, behind: %t", after, len(list), kept, len(got), behind)
			}
			for i, e := range got {
				if e.Seq != after+1+i {
					t.Fatalf("after %d came %d in place %d", after, e.Seq, i)
				}
			}
			given = append(given, handed{got, slices.Clone(got)})
		}
		for _, h := range given {
			for i, e := range h.got {
				if e.Seq != h.copied[i].Seq {
					t.Fatal("what was handed out has changed")
				}
			}
		}
	})
}
