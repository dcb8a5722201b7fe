package llm

import (
	"bytes"
	"encoding/json"
	"io"
	"strings"

	"github.com/mark-analyst/mark/internal/dialogue"
)

// calls puts the tool calls of a reply together from their pieces.
type calls struct {
	newID func() string
	list  []*call
	byKey map[int]*call // the newest call that the server gave an index
	ids   map[string]bool
}

type call struct {
	dialogue.ToolCall
	serverID  string
	index     int
	arguments arguments
	announced bool
	asText    bool // it was written as text
}

func newCalls(newID func() string) *calls {
	return &calls{newID: newID, byKey: map[int]*call{}, ids: map[string]bool{}}
}

// add takes a piece of a call and returns what is to be shown of it, if
// anything is yet.
func (cs *calls) add(d callDelta) *dialogue.CallDelta {
	id, name, arguments := text(d.ID), text(d.Function.Name), d.Function.arguments()
	c := cs.find(d.Index, id, name)
	if c == nil {
		return nil
	}
	return c.extend(name, arguments)
}

// extend adds a piece to a call. name may be empty.
func (c *call) extend(name, arguments string) *dialogue.CallDelta {
	c.arguments.WriteString(arguments)
	if c.announced {
		if arguments == "" {
			return nil
		}
		return &dialogue.CallDelta{Index: c.index, Arguments: arguments}
	}
	if c.Name = name; name == "" {
		return nil
	}
	return c.announce()
}

// find returns the call that a piece belongs to, a new one where it begins one.
// An index is often missing, and some servers give two calls the same one. Then
// a name begins a call, unless it repeats that of a call still going on; an id
// alone does not, since old vLLM made up another for each piece.
func (cs *calls) find(rawIndex json.RawMessage, id, name string) *call {
	key, indexed := number(rawIndex)
	var current *call
	if indexed {
		current = cs.byKey[key]
	} else if len(cs.list) > 0 {
		current = cs.list[len(cs.list)-1]
	}
	if current != nil && current.Name != "" && name != "" {
		another := id != "" && current.serverID != "" && id != current.serverID
		again := (id == "" || current.serverID == "") && current.arguments.isObject()
		if another || again || name != current.Name {
			current = nil
		}
	}
	if current == nil {
		if len(cs.list) >= maxCalls {
			return nil
		}
		current = cs.begin(id)
		if indexed {
			cs.byKey[key] = current
		}
	}
	if current.serverID == "" {
		current.serverID = id
	}
	return current
}

// maxCalls bounds the calls of one reply.
const maxCalls = 128

func (cs *calls) begin(id string) *call {
	c := &call{serverID: id, index: len(cs.list)}
	c.ID = cs.unique(id)
	cs.list = append(cs.list, c)
	return c
}

// identify gives a call the id that its server gave it, unless it was told
// already under one of its own.
func (cs *calls) identify(c *call, id string) {
	if c.announced || id == "" {
		return
	}
	c.serverID, c.ID = id, cs.unique(id)
}

// unique returns id, or a made one where it is missing or taken.
func (cs *calls) unique(id string) string {
	if id == "" || cs.ids[id] {
		id = cs.newID()
	}
	cs.ids[id] = true
	return id
}

// announce shows a call for the first time, with all that came before its name.
func (c *call) announce() *dialogue.CallDelta {
	c.announced = true
	return &dialogue.CallDelta{Index: c.index, ID: c.ID, Name: c.Name, Arguments: c.arguments.String()}
}

// whole adds a call that was written as text.
func (cs *calls) whole(name, arguments string) *dialogue.CallDelta {
	if len(cs.list) >= maxCalls {
		return nil
	}
	c := cs.begin("")
	c.Name, c.asText = name, true
	c.arguments.WriteString(arguments)
	return c.announce()
}

// toldBefore tells that c repeats, in its own place, a call written as text.
func (cs *calls) toldBefore(c *call) bool {
	for _, earlier := range cs.list[:c.index] {
		if earlier.asText && !c.asText && earlier.Name == c.Name && sameJSON(earlier.arguments.String(), c.arguments.String()) {
			return true
		}
	}
	return false
}

// result returns the calls as the reply has them: each once, glued ones taken
// apart, and an empty string of arguments as the empty object it means.
func (cs *calls) result() []dialogue.ToolCall {
	var out []dialogue.ToolCall
	for _, c := range cs.list {
		if cs.toldBefore(c) {
			continue
		}
		for i, arguments := range unglue(c.arguments.String()) {
			one := c.ToolCall
			one.Arguments = arguments
			if i > 0 {
				one.ID = cs.unique("")
			}
			out = append(out, one)
		}
	}
	return out
}

// unglue takes arguments apart that are several JSON objects in a row: two
// calls under one index. An empty object before others is a server's
// placeholder, and an object repeated is the same call told twice. Arguments of
// any other shape are returned as they are, for the agent to answer.
func unglue(arguments string) []string {
	if strings.TrimSpace(arguments) == "" {
		return []string{"{}"}
	}
	var objects []string
	dec := json.NewDecoder(strings.NewReader(arguments))
	for {
		var one json.RawMessage
		err := dec.Decode(&one)
		if err == io.EOF {
			break
		}
		if err != nil || one[0] != '{' || len(objects) == maxCalls {
			return []string{arguments}
		}
		if n := len(objects); n > 0 && (objects[n-1] == "{}" || objects[n-1] == string(one)) {
			objects[n-1] = string(one)
			continue
		}
		objects = append(objects, string(one))
	}
	if len(objects) < 2 && isObject(arguments) {
		return []string{arguments} // untouched, its spaces too
	}
	return objects
}

func isObject(s string) bool {
	s = strings.TrimSpace(s)
	return strings.HasPrefix(s, "{") && json.Valid([]byte(s))
}

func sameJSON(a, b string) bool {
	var x, y bytes.Buffer
	if json.Compact(&x, []byte(a)) != nil || json.Compact(&y, []byte(b)) != nil {
		return a == b
	}
	return bytes.Equal(x.Bytes(), y.Bytes())
}
