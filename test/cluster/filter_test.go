package cluster

import (
	"encoding/binary"
	"strings"
	"testing"
)

// message is one of PostgreSQL's.
func message(kind byte, body string) string {
	head := binary.BigEndian.AppendUint32([]byte{kind}, uint32(4+len(body)))
	return string(head) + body
}

// However the stream is cut into pieces, whole messages are lost and no others.
func TestFilterDropsWholeMessages(t *testing.T) {
	all := message('R', "auth") + message(notification, "news") + message('Z', "") + message(notification, "") + message('C', "done")
	want := message('R', "auth") + message('Z', "") + message('C', "done")
	for size := 1; size <= len(all); size++ {
		var got strings.Builder
		f := &filter{to: &got, drops: func(kind byte) bool { return kind == notification }}
		for rest := all; rest != ""; {
			n := min(size, len(rest))
			if wrote, err := f.Write([]byte(rest[:n])); wrote != n || err != nil {
				t.Fatal(wrote, err)
			}
			rest = rest[n:]
		}
		if got.String() != want {
			t.Errorf("in pieces of %d: %q, want %q", size, got.String(), want)
		}
	}
}
