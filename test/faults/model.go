package main

import (
	"context"
	"encoding/json"
	"fmt"
	"net"
	"net/http"
	"regexp"
	"strings"
	"sync"
	"time"
)

// model is a language model that goes by what it is told and by nothing else: its
// n-th turn follows on n replies of its own to the question. It writes slowly, and
// signs each word with the request that it answers, so that every word in a run's
// log can be traced to the attempt that brought it there.
type model struct {
	server *http.Server
	listen net.Listener
	course course

	mu    sync.Mutex     // protects the rest
	last  int            // the newest request's number
	busy  map[string]int // answers that are being written, by the question
	asked map[turn][]string
	left  map[string]time.Time // when a client left in the middle of an answer, by the question
}

// course is what the model does with each question.
type course struct {
	tools []string      // what it calls, one in each turn, before the one that answers
	words int           // in a turn
	pace  time.Duration // from one to the next
}

// turn is one of a question's.
type turn struct {
	question string
	number   int
}

// asking finds the question's own name in its text.
var asking = regexp.MustCompile(`ask-([a-z]+)`)

func startModel(ctx context.Context, c course) (*model, error) {
	listen, err := (&net.ListenConfig{}).Listen(ctx, "tcp", "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	m := &model{listen: listen, course: c, asked: map[turn][]string{}, busy: map[string]int{}, left: map[string]time.Time{}}
	m.server = &http.Server{Handler: http.HandlerFunc(m.answer), ReadHeaderTimeout: time.Minute}
	go m.server.Serve(listen) //nolint:errcheck // it ends with close
	return m, nil
}

func (m *model) close() error { return m.server.Close() }

// env makes nodes ask it.
func (m *model) env() []string {
	return []string{"MARK_LLM_BASE_URL=http://" + m.listen.Addr().String() + "/v1", "MARK_LLM_MODEL=slow", "MARK_LLM_API_KEY=none"}
}

// requests are those that asked for a turn, by their signatures, the oldest first.
func (m *model) requests(t turn) []string {
	m.mu.Lock()
	defer m.mu.Unlock()
	return append([]string(nil), m.asked[t]...)
}

// writes tells whether an answer to the question is being written.
func (m *model) writes(question string) bool {
	m.mu.Lock()
	defer m.mu.Unlock()
	return m.busy[question] > 0
}

// leftAt is when a client left in the middle of an answer to the question.
func (m *model) leftAt(question string) (time.Time, bool) {
	m.mu.Lock()
	defer m.mu.Unlock()
	at, ok := m.left[question]
	return at, ok
}

// letters is a number in letters: a number would have to be shown by a step.
func letters(n int) string {
	text := ""
	for ; n > 0 || text == ""; n /= 26 {
		text = string(rune('a'+n%26)) + text
	}
	return text
}

// loudly in a question makes the model write a lot: so many dots after each word.
const (
	loudly   = "loudly"
	loudness = 32 << 10
)

// word is the n-th that a request is answered with.
func word(signature string, n int) string { return signature + ":" + letters(n) + " " }

// asks finds out what a request is about.
func asks(body *chatRequest) (t turn, loud, ok bool) {
	for i := len(body.Messages) - 1; i >= 0; i-- {
		switch message := body.Messages[i]; message.Role {
		case "assistant":
			t.number++
		case "user":
			if found := asking.FindStringSubmatch(string(message.Content)); found != nil {
				t.question = found[1]
				return t, strings.Contains(string(message.Content), loudly), true
			}
		}
	}
	return t, false, false
}

// chatRequest is what the model reads of a request of Chat Completions.
type chatRequest struct {
	Messages []struct {
		Role    string          `json:"role"`
		Content json.RawMessage `json:"content"`
	} `json:"messages"`
}

func (m *model) answer(w http.ResponseWriter, r *http.Request) {
	var body chatRequest
	if err := json.NewDecoder(r.Body).Decode(&body); err != nil {
		http.Error(w, `{"error":{"message":"not a request"}}`, http.StatusBadRequest)
		return
	}
	t, loud, ok := asks(&body)
	if !ok {
		http.Error(w, `{"error":{"message":"no question"}}`, http.StatusBadRequest)
		return
	}
	m.mu.Lock()
	m.last++
	signature := letters(m.last)
	m.asked[t] = append(m.asked[t], signature)
	m.busy[t.question]++
	m.mu.Unlock()
	defer func() {
		m.mu.Lock()
		m.busy[t.question]--
		m.mu.Unlock()
	}()
	w.Header().Set("Content-Type", "text/event-stream")
	say := func(delta map[string]any, finish any) {
		frame, err := json.Marshal(map[string]any{
			"id": signature, "object": "chat.completion.chunk", "created": 1, "model": "slow",
			"choices": []any{map[string]any{"index": 0, "delta": delta, "finish_reason": finish}},
		})
		if err != nil {
			panic(err) // strings always marshal
		}
		fmt.Fprintf(w, "data: %s\n\n", frame)
		w.(http.Flusher).Flush() // net/http's can
	}
	say(map[string]any{"role": "assistant", "content": ""}, nil)
	tick := time.NewTicker(m.course.pace)
	defer tick.Stop()
	for n := range m.course.words {
		select {
		case <-tick.C:
		case <-r.Context().Done():
			m.mu.Lock()
			m.left[t.question] = time.Now()
			m.mu.Unlock()
			return
		}
		text := word(signature, n)
		if loud {
			text += strings.Repeat(".", loudness) + " "
		}
		say(map[string]any{"content": text}, nil)
	}
	finish := "stop"
	if t.number < len(m.course.tools) {
		finish = "tool_calls"
		tool := m.course.tools[t.number]
		arguments := "{}"
		if tool == toolPython {
			arguments = program(signature)
		}
		say(map[string]any{"tool_calls": []any{map[string]any{
			"index": 0, "id": "call_" + signature, "type": "function",
			"function": map[string]any{"name": tool, "arguments": arguments},
		}}}, nil)
	}
	say(map[string]any{}, finish)
	fmt.Fprint(w, "data: [DONE]\n\n")
}

// The tools that the model calls.
const (
	toolPython = "run_python"
	toolList   = "list_datasets"
)

// program prints signed lines for most of a second.
func program(signature string) string {
	code := strings.Join([]string{
		"import time",
		"for n in range(6):",
		"    print('ran-" + signature + "-' + chr(97 + n), flush=True)",
		"    time.sleep(0.15)",
	}, "\n")
	raw, err := json.Marshal(map[string]string{"code": code})
	if err != nil {
		panic(err) // a string always marshals
	}
	return string(raw)
}
