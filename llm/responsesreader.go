package llm

import (
	"encoding/json"
	"strings"

	"github.com/mark-analyst/mark/internal/dialogue"
)

// responsesReader reads the events of the Responses API. What a piece belongs
// to is told by an output_index, an item_id, both or neither; what was not
// streamed is taken from the events that repeat it whole.
type responsesReader struct {
	*assembler
	most    int // tokens that were asked for; 0: no limit
	context int // tokens that the model takes; 0: not known
	of      string
	items   []*item
}

// item is an output item as far as it has come.
type item struct {
	kind  string
	id    string
	index int // as the server counts; -1: it does not
	said  map[string]*strings.Builder
	call  *call // nil where it is none, or one too many
	whole json.RawMessage
}

// maxItems bounds the items of a reply, each of which events are compared with.
const maxItems = 512

// frame implements reader.
func (r *responsesReader) frame(raw []byte) error {
	if len(r.items) > maxItems {
		return errTooLarge{"the reply"}
	}
	if len(raw) == 0 || string(raw) == "null" {
		return nil
	}
	var e event
	if json.Unmarshal(raw, &e) != nil {
		return errNotJSON
	}
	switch {
	case present(e.Error):
		return r.told(e.Error)
	case e.Type == "error":
		return r.told(raw)
	case e.Type == "" && text(e.Object) == "response":
		var whole response
		if json.Unmarshal(raw, &whole) != nil {
			return errNotJSON
		}
		return r.ended(whole, "")
	case e.Response != nil:
		if e.terminal() {
			return r.ended(*e.Response, e.Type)
		}
		return r.note(*e.Response)
	case e.terminal():
		return r.ended(response{}, e.Type)
	}
	return r.piece(e)
}

// piece takes an event about a part of the response.
func (r *responsesReader) piece(e event) error {
	switch name, _ := strings.CutPrefix(e.Type, "response."); name {
	case "output_item.added":
		return r.item(e, false)
	case "output_item.done":
		return r.item(e, true)
	case "output_text.delta":
		return r.more(r.find(itemMessage, e), "text", text(e.Delta))
	case "output_text.done":
		return r.upTo(r.find(itemMessage, e), "text", text(e.Text))
	case "refusal.delta":
		return r.more(r.find(itemMessage, e), partRefusal, text(e.Delta))
	case "refusal.done":
		return r.upTo(r.find(itemMessage, e), partRefusal, text(e.Refusal))
	case "reasoning_summary_text.delta", "reasoning_summary.delta":
		return r.more(r.find(itemReasoning, e), "summary", r.paragraph(e)+text(e.Delta))
	case "reasoning_text.delta", "reasoning.delta":
		return r.more(r.find(itemReasoning, e), "text", text(e.Delta))
	case "function_call_arguments.delta":
		return r.more(r.find(itemCall, e), "arguments", functionDelta{Arguments: e.Delta}.arguments())
	case "function_call_arguments.done":
		it := r.find(itemCall, e)
		if err := r.name(it, "", text(e.Name)); err != nil {
			return err
		}
		return r.upTo(it, "arguments", functionDelta{Arguments: e.Arguments}.arguments())
	}
	return nil
}

// note takes what a response says of itself while it goes on.
func (r *responsesReader) note(res response) error {
	if res.Model != "" {
		r.reply.Model = res.Model
	}
	if u, ok := usage(res.Usage); ok {
		r.reply.Usage = u
	}
	if present(res.Error) {
		return r.told(res.Error)
	}
	return nil
}

// ended takes the event that ends a response. What it repeats of the output is
// taken where it did not come before.
func (r *responsesReader) ended(res response, event string) error {
	if len(res.Output) > maxItems {
		return errTooLarge{"the reply"} // a frame has room for a million, and each is compared with all
	}
	if err := r.note(res); err != nil {
		return err
	}
	seen := map[string]int{}
	for _, raw := range res.Output {
		var o outputItem
		if json.Unmarshal(raw, &o) != nil {
			continue
		}
		it := r.nth(o.Type, seen[o.Type])
		seen[o.Type]++
		if it == nil {
			it = r.begin(o.Type, text(o.ID), -1)
		}
		if err := r.finish(it, o, raw); err != nil {
			return err
		}
	}
	r.assembler.finish, r.over = res.ended(event), true
	return nil
}

// item takes an event that holds an item, whole where it is done.
func (r *responsesReader) item(e event, done bool) error {
	var o outputItem
	if err := json.Unmarshal(e.Item, &o); err != nil {
		return nil //nolint:nilerr // left out, like an item that nobody knows
	}
	e.ItemID = o.ID
	it := r.find(o.Type, e)
	if c := it.call; c != nil && !done && c.serverID != "" && text(o.CallID) != "" && c.serverID != text(o.CallID) {
		it = r.begin(o.Type, text(o.ID), it.index) // another call, of a server that has no ids for items
	}
	if !done {
		e.Item = nil
	}
	return r.finish(it, o, e.Item)
}

// finish says what an item holds and was not said. raw is the item where it is
// whole.
func (r *responsesReader) finish(it *item, o outputItem, raw json.RawMessage) error {
	if raw != nil {
		it.whole = raw
	}
	switch o.Type {
	case itemMessage:
		return r.contents(it, o.Content)
	case itemReasoning:
		if len(o.Summary) > 0 {
			return r.upTo(it, "summary", joined(o.Summary))
		}
		return r.upTo(it, "text", joined(o.Content))
	case itemCall:
		if err := r.name(it, text(o.CallID), text(o.Name)); err != nil {
			return err
		}
		return r.upTo(it, "arguments", functionDelta{Arguments: o.Arguments}.arguments())
	}
	return nil
}

func (r *responsesReader) contents(it *item, parts []itemPart) error {
	var spoken, refused strings.Builder
	for _, p := range parts {
		if p.Type == partRefusal {
			refused.WriteString(text(p.Refusal))
			continue
		}
		spoken.WriteString(text(p.Text))
	}
	if err := r.upTo(it, partRefusal, refused.String()); err != nil {
		return err
	}
	return r.upTo(it, "text", spoken.String())
}

// joined is the text of reasoning, its parts as paragraphs.
func joined(parts []itemPart) string {
	var out []string
	for _, p := range parts {
		out = append(out, text(p.Text))
	}
	return strings.Join(out, paragraphs)
}

const paragraphs = "\n\n"

// paragraph is what stands before a piece that begins a further part of a
// summary.
func (r *responsesReader) paragraph(e event) string {
	it := r.find(itemReasoning, e)
	at, ok := number(e.Summary)
	if part := "summary " + string(e.Summary); ok && at > 0 && it.said[part] == nil {
		it.said[part] = &strings.Builder{}
		return paragraphs
	}
	return ""
}

// more adds a piece to an item.
func (r *responsesReader) more(it *item, part, s string) error {
	if s == "" {
		return nil
	}
	if err := r.count(len(s)); err != nil {
		return err
	}
	b := it.said[part]
	if b == nil {
		b = &strings.Builder{}
		it.said[part] = b
	}
	b.WriteString(s)
	switch {
	case it.kind == itemCall:
		if err := r.open(it, ""); err != nil || it.call == nil {
			return err
		}
		return r.show(it.call.extend("", s))
	case it.kind == itemReasoning && part == "text" && it.said["summary"] != nil,
		it.kind == itemReasoning && part == "summary" && it.said["text"] != nil:
		return nil // the same thoughts in other words
	case it.kind == itemReasoning:
		return r.say(piece{reasoning: s})
	case part == partRefusal:
		r.refusal.WriteString(s)
	case it.kind == itemMessage:
		return r.assembler.read(s)
	}
	return nil
}

// upTo adds what is missing of a part that is told whole. What differs from the
// pieces is left: it was shown.
func (r *responsesReader) upTo(it *item, part, whole string) error {
	said := ""
	if b := it.said[part]; b != nil {
		said = b.String()
	}
	rest, ok := strings.CutPrefix(whole, said)
	if !ok {
		return nil
	}
	return r.more(it, part, rest)
}

// name tells the id and the name of a call, where they are news.
func (r *responsesReader) name(it *item, id, name string) error {
	if err := r.open(it, id); err != nil || it.call == nil {
		return err
	}
	if it.call.serverID == "" {
		r.calls.identify(it.call, id)
	}
	if it.call.Name != "" || name == "" {
		return nil
	}
	return r.show(it.call.extend(name, ""))
}

// open begins the call of an item. It stays nil where there are too many. A
// server that gives calls in their own place does not write them as text.
func (r *responsesReader) open(it *item, id string) error {
	if it.call != nil || len(r.calls.list) >= maxCalls {
		return nil
	}
	it.call = r.calls.begin(id)
	return r.sayAll(r.written.stop())
}

// find returns the item of a kind that an event is about, a new one where there
// is none. The id is believed first: some servers give every item the same
// index, others change the ids on the way.
func (r *responsesReader) find(kind string, e event) *item {
	id := text(e.ItemID)
	index, indexed := number(e.Output)
	if !indexed {
		index = -1
	}
	var near *item
	for _, it := range r.items {
		switch {
		case it.kind != kind:
		case id != "" && it.id == id:
			return it
		case indexed && it.index == index, !indexed && it.whole == nil:
			near = it
		}
	}
	if near == nil || e.Type == itemAdded && near.whole != nil {
		return r.begin(kind, id, index)
	}
	return near
}

// nth returns the item of a kind that came after n others, or nil.
func (r *responsesReader) nth(kind string, n int) *item {
	for _, it := range r.items {
		if it.kind == kind {
			if n == 0 {
				return it
			}
			n--
		}
	}
	return nil
}

func (r *responsesReader) begin(kind, id string, index int) *item {
	it := &item{kind: kind, id: id, index: index, said: map[string]*strings.Builder{}}
	r.items = append(r.items, it)
	return it
}

// end implements reader.
func (r *responsesReader) end() (dialogue.Reply, error) {
	if r.assembler.finish == "" && r.allWhole() {
		r.assembler.finish = dialogue.FinishStop
	}
	if r.assembler.finish == dialogue.FinishStop && r.cut() {
		r.assembler.finish = dialogue.FinishLength
	}
	reply, err := r.assembler.end()
	if err == nil && reply.Finish != dialogue.FinishLength {
		reply.Message.Native = r.native(reply.Message)
	}
	return reply, err
}

// allWhole tells that each item came to its end: a server that ends its stream
// then, without the event that says so, has nothing more to tell.
func (r *responsesReader) allWhole() bool {
	answered := false
	for _, it := range r.items {
		if it.whole == nil {
			return false
		}
		answered = answered || it.kind != itemReasoning
	}
	return answered
}

// cut tells a reply that was cut by the limit on tokens although its server says
// that it is complete, as llama.cpp does: by the tokens that were used up, or by
// arguments that break off.
func (r *responsesReader) cut() bool {
	u := r.reply.Usage
	if r.most > 0 && u.CompletionTokens >= max(r.most, leastOutput) {
		return true
	}
	if r.context > 0 && u.PromptTokens+u.CompletionTokens >= r.context {
		return true
	}
	if n := len(r.items); n > 0 && r.items[n-1].call != nil {
		return breaksOff(r.items[n-1].call.arguments.String())
	}
	return false
}

// breaksOff tells an object whose end is missing.
func breaksOff(arguments string) bool {
	var scan jsonScan
	for i := range len(arguments) {
		scan.feed(arguments[i])
	}
	return len(scan.nest) > 0 && !scan.broken
}
