package llm

import (
	"encoding/json"
	"strings"

	"github.com/mark-analyst/mark/internal/dialogue"
)

// maxNative bounds the items of a reply that are kept, bytes.
const maxNative = 1 << 20

// native returns the items of a reply, to be sent back as they are, where they
// hold what a dialogue.Message does not: reasoning that is encrypted.
func (r *responsesReader) native(m dialogue.Message) dialogue.Native {
	out := dialogue.Native{Of: r.of}
	size, hidden := 0, false
	for _, it := range r.items {
		if it.whole == nil {
			return dialogue.Native{}
		}
		var o outputItem
		if json.Unmarshal(it.whole, &o) != nil {
			return dialogue.Native{}
		}
		size, hidden = size+len(it.whole), hidden || o.Encrypted != ""
		out.Items = append(out.Items, it.whole)
	}
	m.Native = out
	if !hidden || size > maxNative || !faithful(m) {
		return dialogue.Native{}
	}
	return out
}

// faithful tells whether the native items of a message say what the message
// does: a call may have been given another id, or was edited, or not taken, and
// then they are not to be sent.
func faithful(m dialogue.Message) bool {
	var said strings.Builder
	calls := m.ToolCalls
	for _, raw := range m.Native.Items {
		var o outputItem
		if json.Unmarshal(raw, &o) != nil {
			return false
		}
		switch o.Type {
		case itemMessage:
			for _, p := range o.Content {
				said.WriteString(text(p.Text))
			}
		case itemCall:
			if len(calls) == 0 {
				return false
			}
			c := calls[0]
			calls = calls[1:]
			_, fine := replayable(c.Arguments)
			if !fine || text(o.CallID) != c.ID || text(o.Name) != replayableName(c.Name) || text(o.Arguments) != c.Arguments {
				return false
			}
		}
	}
	return len(calls) == 0 && said.String() == m.Content
}
