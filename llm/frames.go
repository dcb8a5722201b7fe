package llm

import (
	"bufio"
	"bytes"
	"encoding/json"
	"errors"
	"io"
)

// frames reads a server-sent event stream (WHATWG HTML, 9.2) and gives it back
// as lines of "data: …", one a frame, which is all that go-openai's reader
// understands: it takes each line for a whole frame, gives up after a few
// hundred comments, loses a last line without an end, has no limit on a line's
// length, and swallows an error that is a string. Gone are comments, event
// names and ids; data over several lines is one line; a stream's own error
// events and bare JSON lines are frames like the others.
type frames struct {
	in      *bufio.Reader
	maxLine int

	out   bytes.Buffer // what Read has still to give
	data  []byte       // lines of an event that is not complete yet
	event []byte       // the event's name
	begun bool
	err   error
	done  bool   // [DONE] has been seen
	given bool   // there was a frame
	other string // the beginning of the first line that is of no event stream
}

func newFrames(r io.Reader, maxLine int) *frames {
	return &frames{in: bufio.NewReader(r), maxLine: maxLine}
}

// Read implements io.Reader.
func (f *frames) Read(p []byte) (int, error) {
	for f.out.Len() == 0 {
		if f.err != nil {
			return 0, f.err
		}
		f.fill()
	}
	return f.out.Read(p)
}

// fill reads on until there is a frame or an end.
func (f *frames) fill() {
	if !f.begun {
		f.begun = true
		if first, _ := f.in.Peek(1); string(first) == "{" {
			f.whole()
			return
		}
	}
	line, err := f.line()
	if err != nil {
		f.flush()
		if !f.given && f.other != "" && errors.Is(err, io.EOF) {
			f.put([]byte(f.other)) // what came is the reason, not that it ended
		}
		f.err = err
		return
	}
	f.take(line)
}

// whole takes the body for one JSON document: of a server that ignores
// stream:true, or that tells of an error with status 200.
func (f *frames) whole() {
	body, err := io.ReadAll(io.LimitReader(f.in, int64(f.maxLine)+1))
	switch {
	case err != nil:
		f.err = err
	case len(body) > f.maxLine:
		f.err = errTooLarge{"the body"}
	default:
		f.err = io.EOF
		f.put(body)
	}
}

// line returns the next line without its end, which is LF or CR LF; the last
// one may have none. The slice is the caller's.
func (f *frames) line() ([]byte, error) {
	var line []byte
	for {
		chunk, err := f.in.ReadSlice('\n')
		if len(line)+len(chunk) > f.maxLine {
			return nil, errTooLarge{"a line of the stream"}
		}
		line = append(line, chunk...)
		if errors.Is(err, bufio.ErrBufferFull) {
			continue
		}
		if err != nil && (len(line) == 0 || !errors.Is(err, io.EOF)) {
			return nil, err
		}
		return bytes.TrimRight(line, "\r\n"), nil
	}
}

// take handles one line of the stream.
func (f *frames) take(line []byte) {
	line = bytes.TrimPrefix(line, []byte("\ufeff"))
	field, value, _ := bytes.Cut(line, []byte(":"))
	value = bytes.TrimPrefix(value, []byte(" "))
	switch {
	case len(line) == 0:
		f.flush()
		f.event = f.event[:0]
	case string(field) == "data" && len(f.data) == 0 && complete(value):
		// Some servers leave out the empty line between events, and waiting
		// for it costs time: what is complete is a frame at once.
		f.put(value)
	case string(field) == "data":
		if len(f.data)+len(value) > f.maxLine {
			f.err = errTooLarge{"an event of the stream"}
			return
		}
		f.data = append(append(f.data, value...), '\n')
	case string(field) == "event":
		f.event = append(f.event[:0], value...)
	case string(field) == "error": // llama.cpp before 2025
		f.event = append(f.event[:0], field...)
		f.put(value)
	case line[0] == '{' && json.Valid(line):
		f.put(line)
	case line[0] != ':' && string(field) != "id" && string(field) != "retry" && f.other == "":
		f.other = string(line[:min(len(line), mostOther)])
	}
}

// mostOther bounds what is kept of a line that is of no event stream.
const mostOther = 200

func complete(data []byte) bool {
	data = bytes.TrimSpace(data)
	return string(data) == "[DONE]" || (len(data) > 0 && data[0] == '{' && json.Valid(data))
}

// flush ends an event: what is gathered of it is a frame.
func (f *frames) flush() {
	if len(bytes.TrimSpace(f.data)) > 0 {
		f.put(f.data)
	}
	f.data = f.data[:0]
}

// put appends a frame. A space goes into its JSON so that go-openai does not
// take `{"error":` for the end of the stream.
func (f *frames) put(data []byte) {
	f.given = true
	data = bytes.TrimSpace(data)
	if string(data) == "[DONE]" {
		f.done = true
	} else if string(f.event) == "error" {
		data = asError(data)
	}
	f.out.WriteString("data: ")
	if len(data) > 0 && data[0] == '{' {
		f.out.WriteString("{ ")
		data = data[1:]
	}
	// In JSON a line break stands only where a space will do.
	f.out.Write(bytes.ReplaceAll(data, []byte("\n"), []byte(" ")))
	f.out.WriteByte('\n')
}

// asError gives the data of an error event the shape of an error in a frame.
func asError(data []byte) []byte {
	var object map[string]json.RawMessage
	if json.Unmarshal(data, &object) == nil && object["error"] != nil {
		return data
	}
	if !json.Valid(data) {
		data, _ = json.Marshal(string(data)) // a string always marshals
	}
	return append(append([]byte(`{"error":`), data...), '}')
}
