package llm

import (
	"bytes"
	"encoding/json"
	"slices"
	"strings"
)

// programInfos are the first lines of a fence that holds Python.
var programInfos = []string{"python", "py", "python3", "ipython"}

func isProgramInfo(info []byte) bool {
	return slices.Contains(programInfos, strings.ToLower(string(bytes.TrimSpace(info))))
}

// beginProgram goes into a fence that holds a program, which is a call of the
// tool that runs programs.
func (w *writtenCalls) beginProgram(c byte) {
	w.held = append(w.held, c)
	w.start, w.coding = len(w.held), true
	w.state = (*writtenCalls).inProgram
}

// inProgram is inside of it, up to a line that is its closing fence.
func (w *writtenCalls) inProgram(c byte) {
	w.held = append(w.held, c)
	if c == '\n' && w.programEnds() {
		w.finishProgram()
	}
}

// programEnds tells whether the last line that is held closes the fence.
func (w *writtenCalls) programEnds() bool {
	body := bytes.TrimRight(w.held[w.start:], "\n")
	last := body[bytes.LastIndexByte(body, '\n')+1:]
	return onlyBackticks(bytes.TrimSpace(last), w.fence)
}

// finishProgram takes what is held for a program. An empty one is dropped.
func (w *writtenCalls) finishProgram() {
	body := w.held[w.start:]
	if w.programEnds() {
		body = bytes.TrimRight(body, " \t\r\n`")
	}
	w.held, w.coding, w.begun = nil, false, true
	w.cut()
	if code := strings.TrimSpace(string(body)); code != "" {
		arguments, _ := json.Marshal(map[string]string{programArgument: strings.TrimRight(string(body), "\n")}) // strings always marshal
		w.out = append(w.out, piece{call: &writtenCall{name: w.program, arguments: string(arguments)}})
	}
	w.afterCall()
}
