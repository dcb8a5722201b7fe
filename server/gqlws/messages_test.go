package gqlws

import (
	"encoding/json"
	"strings"
	"testing"
	"unicode/utf8"
)

func FuzzTokenIn(f *testing.F) {
	for _, s := range []string{`{"authorization":"Bearer x"}`, `{"Authorization":null}`, `null`, `{"AUTHORIZATION":" "}`, `[1]`} {
		f.Add([]byte(s))
	}
	f.Fuzz(func(t *testing.T, payload []byte) {
		token, given, err := tokenIn(json.RawMessage(payload))
		if token != "" && (!given || err != nil) {
			t.Errorf("%q: token %q, given %v, %v", payload, token, given, err)
		}
		if given && !strings.Contains(strings.ToLower(string(payload)), "\\u") && !strings.Contains(strings.ToLower(string(payload)), "authorization") &&
			!strings.ContainsAny(string(payload), "ſK") { // letters that fold to s and k
			t.Errorf("%q: a token from nowhere", payload)
		}
	})
}

func TestReasonFitsItsFrame(t *testing.T) {
	for _, text := range []string{"", "short", strings.Repeat("x", 123), strings.Repeat("x", 124), strings.Repeat("é", 100), strings.Repeat("🦉", 40)} {
		got := reasonOf(text)
		if len(got) > 123 || !utf8.ValidString(got) || len(text) <= 123 && got != text {
			t.Errorf("%q became %q of %d bytes", text, got, len(got))
		}
	}
}

func TestMessagesAreJSON(t *testing.T) {
	for _, id := range []string{"1", `"`, "\x00\xff", "</script>"} {
		for kind, text := range map[string]message{
			"next":     {head: head("next", id), payload: []byte(`{"data":1}`)},
			"complete": completeMessage(id),
		} {
			var m struct {
				ID, Type string
				Payload  json.RawMessage
			}
			frame := text.appendTo(nil)
			if err := json.Unmarshal(frame[2:], &m); err != nil || m.Type != kind || (string(m.Payload) == `{"data":1}`) != (kind == "next") {
				t.Errorf("%q: %+v, %v", id, m, err)
			}
		}
	}
}
