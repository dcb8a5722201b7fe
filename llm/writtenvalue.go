package llm

import "bytes"

// inside is inside of a fence or a tag: before a value, or between or after
// the calls in it.
func (w *writtenCalls) inside(c byte) {
	w.state = (*writtenCalls).inside
	switch {
	case isSpace(c):
		w.held = append(w.held, c)
		return
	case c == '{' || c == '[':
		w.beginValue(c)
		return
	case c == '<' && !w.found:
		w.hold(c, (*writtenCalls).inTag)
		return
	case !w.found:
		w.release()
		w.state(w, c)
		return
	case c == ',' || c == ';':
		return
	}
	closer := w.open[len(w.open)-1]
	seen := string(bytes.TrimSpace(w.held)) + string(c)
	switch {
	case seen == closer:
		w.open = w.open[:len(w.open)-1]
		w.held = nil
		if len(w.open) == 0 {
			w.afterCall()
		}
	case len(seen) < len(closer) && closer[:len(seen)] == seen:
		w.held = append(w.held, c)
	default: // words after a call, its fence still open
		w.release()
		w.state(w, c)
	}
}

// afterCall goes on with ordinary text.
func (w *writtenCalls) afterCall() {
	w.open, w.found, w.called = nil, false, true
	w.state = (*writtenCalls).inText
	w.quiet, w.blank, w.line = true, true, w.line[:0]
}

// inTail is right behind bare JSON, where models leave a brace too many and the
// end of a fence that was never opened.
func (w *writtenCalls) inTail(c byte) {
	switch {
	case c == '`', c != '\n' && isSpace(c) && len(w.held) > 0:
		w.held = append(w.held, c)
	case c == '\n' && onlyBackticks(bytes.TrimSpace(w.held), 3):
		w.held = nil
	case len(w.held) == 0 && (c == '}' || isSpace(c)):
	default: // it is no tail: what was held begins the text that follows
		w.held = append(w.held, c)
		held := w.held
		w.held, w.tail, w.state = nil, false, (*writtenCalls).inText
		for _, c := range held {
			w.state(w, c)
		}
	}
}

func (w *writtenCalls) beginValue(c byte) {
	w.scan = jsonScan{}
	w.hold(c, (*writtenCalls).inValue)
	w.scan.feed(c)
}

// inValue is inside of a JSON value that may be a call.
func (w *writtenCalls) inValue(c byte) {
	w.held = append(w.held, c)
	value := w.held[w.start:]
	over := w.scan.feed(c)
	switch {
	case over:
		w.finish(value)
	case len(value) <= plausibleBytes && !plausible(value, w.tools):
		w.release()
	case w.scan.broken:
		w.release()
	default:
		if body, ok := w.closedEarly(value, c); ok {
			w.finish(body)
		}
	}
}

// closedEarly tells whether the fence or tag ends although the value does not,
// which is then malformed: unescaped quotes, a bracket too few. Valid JSON has
// no line that is only backticks, and a closing tag after a brace only by
// design.
func (w *writtenCalls) closedEarly(value []byte, c byte) ([]byte, bool) {
	if len(w.open) == 0 || (c != '`' && c != '>') {
		return nil, false
	}
	closer := []byte(w.open[len(w.open)-1])
	body, ok := bytes.CutSuffix(value, closer)
	if !ok {
		return nil, false
	}
	if closer[0] == '`' {
		before := bytes.TrimRight(body, " \t")
		ok = bytes.HasSuffix(before, []byte("\n"))
	} else {
		ok = bytes.HasSuffix(bytes.TrimSpace(body), []byte("}"))
	}
	return body, ok
}

// finish takes a value that has ended, and what is held after it is its closer.
func (w *writtenCalls) finish(value []byte) {
	early := w.start+len(value) < len(w.held)
	calls := parseWritten(value, w.tools)
	if len(calls) == 0 && (early || w.scan.going) {
		// It was meant for a call: the agent's answer to arguments that are no
		// JSON lets the model write it again.
		calls = brokenCall(value, w.tools)
	}
	if len(calls) == 0 {
		w.release()
		return
	}
	w.cut()
	for _, c := range calls {
		w.out = append(w.out, piece{call: &c})
	}
	w.held, w.scan, w.found = nil, jsonScan{}, true
	w.begun = true
	if early {
		w.open = w.open[:len(w.open)-1]
	}
	switch {
	case len(w.open) > 0:
		w.state = (*writtenCalls).inside
	case early:
		w.afterCall()
	default:
		w.afterCall()
		w.tail, w.state = true, (*writtenCalls).inTail
	}
}

// jsonScan finds the end of a JSON object or array. It lets line breaks stand in
// strings, as models write them.
type jsonScan struct {
	going    bool
	broken   bool
	inString bool
	escaped  bool
	nest     []byte // the closing brackets that are due
}

// feed takes a byte and tells whether the value ends with it.
func (s *jsonScan) feed(c byte) bool {
	s.going = true
	switch {
	case s.escaped:
		s.escaped = false
	case s.inString:
		s.escaped = c == '\\'
		s.inString = c != '"'
	case c == '"':
		s.inString = true
	case c == '{':
		s.nest = append(s.nest, '}')
	case c == '[':
		s.nest = append(s.nest, ']')
	case c == '}' || c == ']':
		if len(s.nest) == 0 || s.nest[len(s.nest)-1] != c {
			s.broken = true
			return false
		}
		s.nest = s.nest[:len(s.nest)-1]
		if len(s.nest) == 0 {
			s.going = false
			return true
		}
	}
	return false
}

func isSpace(c byte) bool { return c == ' ' || c == '\n' || c == '\t' || c == '\r' }
