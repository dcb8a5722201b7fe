package main

import (
	"context"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/mark-analyst/mark/internal/fakellm"
)

// eventually polls a condition until ctx ends, as often as a person may ask.
func eventually(t *testing.T, ctx context.Context, what string, ok func() bool) {
	t.Helper()
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for !ok() {
		select {
		case <-tick.C:
		case <-ctx.Done():
			t.Fatalf("never: %s", what)
		}
	}
}

// filesIn lists the stored blobs of a data folder.
func filesIn(t *testing.T, dataDir string) []string {
	t.Helper()
	var out []string
	err := filepath.WalkDir(filepath.Join(dataDir, "files"), func(path string, d os.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			out = append(out, path)
		}
		return err
	})
	if err != nil {
		t.Fatal(err)
	}
	return out
}

// TestHostilePython has a model run programs that mean harm. Each ends with a
// typed error that the model is told, the chat goes on, and so does Mark.
func TestHostilePython(t *testing.T) {
	for name, tc := range map[string]struct {
		code  string
		error string // the step's; "" where the program just ends
	}{
		"never ends":            {"while True: pass", "PYTHON_TIMEOUT"},
		"swallows interrupts":   {"while True:\n  try:\n    while True: pass\n  except BaseException: pass", "PYTHON_TIMEOUT"},
		"eats memory":           {"x = []\nwhile True: x.append(bytearray(256 << 20))", "PYTHON_MEMORY_ERROR|PYTHON_OUT_OF_MEMORY"},
		"forks":                 {"import os\nwhile True:\n  try: os.fork()\n  except OSError: pass", "PYTHON_TIMEOUT|PYTHON_OUT_OF_MEMORY|PYTHON_DIED"},
		"prints 1 GB":           {"for _ in range(1 << 14): print('x' * (1 << 16))", "PYTHON_TOO_MUCH_OUTPUT"},
		"raises":                {"1 / 0", "PYTHON_EXCEPTION"},
		"exits":                 {"import sys; sys.exit(3)", "PYTHON_EXCEPTION"},
		"kills its interpreter": {"import os, signal; os.kill(os.getpid(), signal.SIGKILL)", "PYTHON_DIED"},
		"calls home":            {"import urllib.request; urllib.request.urlopen('http://127.0.0.1:1/')", "PYTHON_EXCEPTION"},
		"reads the host":        {"print(open('/etc/shadow').read())", "PYTHON_EXCEPTION"},
		"fills the disk":        {"f = open('/mnt/data/x', 'wb')\nwhile True: f.write(b'x' * (1 << 20))", "PYTHON_DISK_FULL"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			model := withModel(t, python(tc.code), python("print('alive', 40 + 2)"), says("It goes on."))
			s := start(t, "", func(c *Config, p *Parts) {
				model(c, p)
				c.Limits.PythonStepTime = 10 * time.Second
				c.Limits.PythonMemory = 1 << 30
			})
			ada := s.signUp("ada@example.org")
			_, run := ada.ask("", "Do it")
			answer := ada.answered(run)
			if answer["story"] != "It goes on." {
				t.Errorf("story %q", answer["story"])
			}
			r := ada.run(run)
			code, _ := dig(t, r.at("node", "steps", 0), "error").(map[string]any)
			if got, _ := code["code"].(string); got == "" || !strings.Contains("|"+tc.error+"|", "|"+got+"|") {
				t.Errorf("the step's error is %v, want %s", code, tc.error)
			}
			if out := r.str("node", "steps", 1, "outputs", 0, "text"); out != "alive 42\n" {
				t.Errorf("the next step printed %q", out)
			}
		})
	}
}

// TestBrokenModels has endpoints fail in every way. The run ends with a typed
// error and a sentence, and the next question works.
func TestBrokenModels(t *testing.T) {
	for name, tc := range map[string]struct {
		answer fakellm.Answer
		code   string
		says   string
	}{
		"401":           {fakellm.Fail(401, `{"error":{"message":"bad key sk-secret","type":"invalid_request_error"}}`), "MODEL_UNAUTHORIZED", "MARK_LLM_API_KEY"},
		"404":           {fakellm.Fail(404, `{"error":{"message":"no such model"}}`), "MODEL_NOT_FOUND", "MARK_LLM_MODEL"},
		"400":           {fakellm.Fail(400, `{"error":{"message":"strange"}}`), "MODEL_BAD_REQUEST", ""},
		"HTML":          {fakellm.Fail(502, `<html><body>Bad gateway</body></html>`), "MODEL_UNAVAILABLE", ""},
		"429":           {fakellm.Fail(429, `{"error":{"message":"slow down"}}`).With("Retry-After", "0"), "MODEL_RATE_LIMITED", ""},
		"500":           {fakellm.Fail(500, `{"error":"boom"}`), "MODEL_UNAVAILABLE", ""},
		"not JSON":      {fakellm.Raw("data: {nonsense\n\n"), "MODEL_BAD_REPLY", ""},
		"half a stream": {fakellm.Raw("data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Hal\"}}]}\n\n").Abort(), "MODEL_", ""},
		"empty":         {fakellm.Raw(""), "MODEL_", ""},
		"too long":      {fakellm.Fail(400, `{"error":{"code":400,"type":"exceed_context_size_error","message":"too long"}}`), "MODEL_CONTEXT_TOO_BIG", ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := fakellm.New(t, fakellm.Always(tc.answer))
			s := start(t, "", func(c *Config, _ *Parts) {
				c.LLM = LLMConfig{BaseURL: fake.BaseURL(), APIKey: "sk-secret", Model: "broken", API: "chat"}
			})
			ada := s.signUp("ada@example.org")
			chat, run := ada.ask("", "hello")
			ada.follow(run, 0)
			r := ada.run(run)
			code, message := r.str("node", "error", "code"), r.str("node", "error", "message")
			if r.str("node", "state") != "FAILED" || !strings.HasPrefix(code, tc.code) {
				t.Fatalf("state %s, code %s: %s", r.str("node", "state"), code, message)
			}
			if !strings.Contains(message, tc.says) || strings.Contains(message, "sk-secret") || len(message) < 20 {
				t.Errorf("message %q", message)
			}
			// What was seen before the failure stays, and the error ends it.
			parts, _ := r.at("node", "answer", "parts").([]any)
			if len(parts) == 0 || dig(t, parts[len(parts)-1], "__typename") != "ErrorPart" {
				t.Errorf("the chat shows %v", parts)
			}
			next := ada.do(`mutation($c: ID!) { sendMessage(input: {chatId: $c, text: "hello", model: "offline-analyst"}) { run { id } errors { ... on UserError { message } } } }`, vars{"c": chat})
			if a := ada.answered(next.str("sendMessage", "run", "id")); a["story"] == "" {
				t.Error("the chat does not go on")
			}
		})
	}
}

func TestModelThatIsDown(t *testing.T) {
	s := start(t, "", func(c *Config, _ *Parts) {
		c.LLM = LLMConfig{BaseURL: "http://127.0.0.1:1/v1", Model: "nobody", API: "chat"}
	})
	ada := s.signUp("ada@example.org")
	_, run := ada.ask("", "hello")
	ada.follow(run, 0)
	if r := ada.run(run); r.str("node", "error", "code") != "MODEL_UNAVAILABLE" {
		t.Errorf("%v", r.at("node", "error"))
	}
}

func TestHangUpInTheMiddleOfARun(t *testing.T) {
	gate := make(chan struct{})
	s := start(t, "", withModel(t, fakellm.Raw("data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"Still \"}}]}\n\n").
		Await(gate).Then("data: {\"choices\":[{\"index\":0,\"delta\":{\"content\":\"here.\"},\"finish_reason\":\"stop\"}]}\n\ndata: [DONE]\n\n")))
	ada := s.signUp("ada@example.org")
	_, run := ada.ask("", "hello")
	sock := ada.dial()
	sock.subscribe(run, 0)
	if e, _ := sock.next(); e.kind() != "RunStarted" {
		t.Fatalf("first came %s", e.kind())
	}
	sock.close() // without a goodbye
	close(gate)
	if a := ada.answered(run); a["story"] != "Still here." {
		t.Errorf("story %q", a["story"])
	}
}

func TestBadQuestions(t *testing.T) {
	s := start(t, "", nil)
	ada := s.signUp("ada@example.org")
	for name, tc := range map[string]struct {
		input vars
		code  string
	}{
		"0 characters":       {vars{"text": ""}, "BAD_USER_INPUT"},
		"100,000 characters": {vars{"text": strings.Repeat("ö", 100_000)}, "LIMIT_EXCEEDED"},
		"made-up chat":       {vars{"text": "q", "chatId": "cht_01m85ae98qe0nv1bk1vmyxzt6g"}, "NOT_FOUND"},
		"nonsense for an id": {vars{"text": "q", "chatId": "'; drop table chats"}, "NOT_FOUND"},
		"made-up dataset":    {vars{"text": "q", "datasetIds": []string{"dst_01m85ae98qe0nv1bk1vmyxzt6g"}}, "NOT_FOUND"},
		"made-up model":      {vars{"text": "q", "model": "gpt-0"}, "BAD_USER_INPUT"},
	} {
		t.Run(name, func(t *testing.T) {
			r := ada.do(`mutation($in: SendMessageInput!) { sendMessage(input: $in) { run { id } errors { ... on UserError { code message } } } }`, vars{"in": tc.input})
			if code := r.str("sendMessage", "errors", 0, "code"); code != tc.code || r.at("sendMessage", "run") != nil {
				t.Errorf("%v", r.Data)
			}
		})
	}
	if n := ada.do(`{ viewer { chats(first: 1) { totalCount } } }`, nil).at("viewer", "chats", "totalCount"); n != float64(0) {
		t.Errorf("%v chats were left behind", n)
	}
}
