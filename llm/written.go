package llm

import (
	"bytes"
	"slices"
	"strings"
)

// writtenCalls finds tool calls that a model writes as text, as many local
// models do whose server does not know their way of calling:
//
//	```json                       <tool_call>                      {"name": "f",
//	{"name": "f",                 {"name": "f", "arguments": {}}    "arguments": {}}
//	 "arguments": {}}             </tool_call>
//	```
//
// Several calls may stand in one fence or pair of tags, and bare JSON has to
// begin a line. It also takes what stands between <think> and </think> at the
// beginning for reasoning, and drops what a model makes up as the result of a
// call that it has just written. Only calls of the tools that were offered are
// found.
//
// Text is handed on as it comes; what might begin a call is held back until it
// is known to be one, and no longer. It reads byte by byte, so how the text is
// cut into deltas makes no difference to what is found.
type writtenCalls struct {
	tools   []string
	program string // the tool that fenced Python calls; empty: it is text

	state  func(w *writtenCalls, c byte)
	held   []byte   // what may be part of a call
	open   []string // closers of the fence and tags that are open, innermost last
	found  bool     // a call was found inside of them
	start  int      // where in held the JSON value or the tag begins
	scan   jsonScan
	begun  bool   // something but white space was handed on
	quiet  bool   // white space is dropped: at the beginning and after a call
	blank  bool   // the line holds nothing but blanks so far
	line   []byte // the line so far, its first bytes
	fence  int    // backticks of the ordinary fence that is open
	until  string // what ends the enclosed part that the text is in
	within []byte // of it
	called bool   // a call was found in this reply
	tail   bool   // right behind bare JSON
	coding bool   // in a fence that holds a program
	out    []piece
	text   []byte
	reason []byte
}

// piece is a part of a reply's text; one of its fields is set.
type piece struct {
	text      string
	reasoning string
	call      *writtenCall
}

type writtenCall struct{ name, arguments string }

const (
	maxHeld  = 1 << 20 // longer than any call: text then
	maxInfo  = 32      // of a fence's first line
	maxTicks = 16      // of a fence
	maxLine  = 80
)

var (
	callTags  = []string{"<tool_call>", "<function_call>", "<tools>"}
	callInfos = []string{"", "json", "xml", "tool_call", "tool_calls", "function_call", "tool", "plaintext", "text"}
)

const (
	thinkTag  = "<think>"
	thinkEnd  = "</think>"
	resultTag = "<tool_response>"
)

func newWrittenCalls(tools []string) *writtenCalls {
	return &writtenCalls{tools: tools, state: (*writtenCalls).inText, quiet: true, blank: true}
}

// write takes the next piece of text and returns what can be handed on.
func (w *writtenCalls) write(s string) []piece {
	for i := range len(s) {
		w.state(w, s[i])
		if len(w.held) > maxHeld {
			w.release()
		}
	}
	return w.take()
}

// stop gives up looking and returns what was held back. What follows is text.
func (w *writtenCalls) stop() []piece {
	if !w.found {
		w.settle()
	}
	w.tools, w.held, w.state = nil, nil, (*writtenCalls).inText
	return w.take()
}

// end returns what is left when the text ends. When it was cut short by the
// token limit, the beginning of a call is dropped; otherwise it is a call that
// lacks its end.
func (w *writtenCalls) end(cut bool) []piece {
	switch {
	case len(w.held) == 0:
	case w.coding && cut:
		w.held = nil
	case w.coding:
		w.finishProgram()
	case w.scan.going:
		value := w.held[w.start:]
		if cut && namesTool(value, w.tools) {
			w.held = nil
		} else if !cut {
			w.finish(value)
		}
	case w.found, w.tail && onlyBackticks(bytes.TrimSpace(w.held), 3):
		w.held = nil
	}
	w.settle()
	return w.take()
}

// settle hands on what is held as what it was taken for so far.
func (w *writtenCalls) settle() {
	switch {
	case w.until != "":
		w.within = append(w.within, w.held...)
		w.keep()
		w.held, w.until = nil, ""
	case len(w.held) > 0:
		w.release()
	}
}

func (w *writtenCalls) take() []piece {
	w.keep()
	w.cut()
	out := w.out
	w.out = nil
	return out
}

// cut ends the piece that is being gathered.
func (w *writtenCalls) cut() {
	if len(w.text) > 0 {
		w.out = append(w.out, piece{text: string(w.text)})
		w.text = w.text[:0]
	}
	if len(w.reason) > 0 {
		w.out = append(w.out, piece{reasoning: string(w.reason)})
		w.reason = w.reason[:0]
	}
}

// pass hands one byte on as text.
func (w *writtenCalls) pass(c byte) {
	space := isSpace(c)
	if !space {
		w.begun, w.quiet = true, false
	}
	if !w.quiet {
		w.text = append(w.text, c)
	}
	switch {
	case c == '\n':
		w.blank, w.line = true, w.line[:0]
		return
	case !space:
		w.blank = false
	}
	if len(w.line) < maxLine {
		w.line = append(w.line, c)
	}
}

// release hands on what was held, which is no call, and goes on after it.
func (w *writtenCalls) release() {
	held := w.held
	inCode := slices.ContainsFunc(w.open, func(closer string) bool { return closer[0] == '`' })
	w.held, w.open, w.found, w.scan = nil, nil, false, jsonScan{}
	for _, c := range held {
		w.pass(c)
	}
	w.state = (*writtenCalls).inText
	if inCode {
		w.state = (*writtenCalls).inCode
	}
}

// hold begins to hold back, with c.
func (w *writtenCalls) hold(c byte, state func(*writtenCalls, byte)) {
	w.held, w.start = append(w.held, c), len(w.held)
	w.state = state
}

func (w *writtenCalls) inText(c byte) {
	switch {
	case c == '<' && (len(w.tools) > 0 || !w.begun):
		w.hold(c, (*writtenCalls).inTag)
	case c == '`' && w.blank && len(w.tools) > 0:
		w.hold(c, (*writtenCalls).inFence)
	case (c == '{' || c == '[') && w.blank && len(w.tools) > 0:
		w.beginValue(c)
	default:
		w.pass(c)
	}
}

// inCode is inside of an ordinary fence, where nothing is a call.
func (w *writtenCalls) inCode(c byte) {
	if c == '\n' && onlyBackticks(bytes.TrimSpace(w.line), w.fence) {
		w.state = (*writtenCalls).inText
	}
	w.pass(c)
}

func onlyBackticks(line []byte, atLeast int) bool {
	return len(line) >= atLeast && len(bytes.Trim(line, "`")) == 0
}

// inFence is in the line that opens a fence.
func (w *writtenCalls) inFence(c byte) {
	info := bytes.TrimLeft(w.held, "`")
	ticks := len(w.held) - len(info)
	switch {
	case c == '`' && len(info) == 0 && ticks < maxTicks:
		w.held = append(w.held, c)
	case ticks < 3 || c == '`': // code within a line
		w.release()
		w.state(w, c)
	case c == '\n' && w.program != "" && isProgramInfo(info):
		w.fence = ticks
		w.beginProgram(c)
	case c == '\n' || ((c == '{' || c == '[') && isCallInfo(info)):
		w.open, w.fence = []string{strings.Repeat("`", ticks)}, ticks
		if !isCallInfo(info) {
			w.release()
			w.pass(c)
			return
		}
		w.inside(c)
	case len(info) >= maxInfo:
		w.open, w.fence = []string{strings.Repeat("`", ticks)}, ticks
		w.release()
		w.pass(c)
	default:
		w.held = append(w.held, c)
	}
}

func isCallInfo(info []byte) bool {
	return slices.Contains(callInfos, strings.ToLower(string(bytes.TrimSpace(info))))
}

// inTag is in what may be an opening tag.
func (w *writtenCalls) inTag(c byte) {
	tag := string(w.held[w.start:]) + string(c)
	tags := callTags
	if len(w.tools) == 0 {
		tags = nil
	}
	if !w.begun && len(w.open) == 0 {
		tags = append(slices.Clone(tags), thinkTag)
	}
	if w.called && len(w.open) == 0 {
		tags = append(slices.Clone(tags), resultTag)
	}
	switch {
	case (tag == thinkTag || tag == resultTag) && slices.Contains(tags, tag):
		w.held, w.until, w.state = nil, "</"+tag[1:], (*writtenCalls).inEnclosed
	case slices.Contains(tags, tag):
		w.held = append(w.held, c)
		w.open = append(w.open, "</"+tag[1:])
		w.state = (*writtenCalls).inside
	case slices.ContainsFunc(tags, func(t string) bool { return strings.HasPrefix(t, tag) }):
		w.held = append(w.held, c)
	default:
		w.release()
		w.state(w, c)
	}
}

// inEnclosed is between <think> and </think>, or in a made-up result.
func (w *writtenCalls) inEnclosed(c byte) {
	w.within = append(append(w.within, w.held...), c)
	w.held = nil
	for n := min(len(w.until), len(w.within)); n > 0; n-- {
		if tail := w.within[len(w.within)-n:]; strings.HasPrefix(w.until, string(tail)) {
			w.held = bytes.Clone(tail)
			w.within = w.within[:len(w.within)-n]
			break
		}
	}
	if string(w.held) == w.until {
		w.keep()
		w.held, w.until, w.state = nil, "", (*writtenCalls).inText
		w.quiet, w.blank = true, true
	}
}

// keep takes what was enclosed so far for reasoning, or drops it.
func (w *writtenCalls) keep() {
	if w.until == thinkEnd {
		w.reason = append(w.reason, w.within...)
	}
	w.within = w.within[:0]
}
