package agent

import (
	"encoding/json"
	"strings"
	"testing"
)

func TestStoryReaderAtEveryCut(t *testing.T) {
	for name, tc := range map[string]struct{ args, want string }{
		"simple":       {`{"story":"Hello"}`, "Hello"},
		"later member": {`{"charts":[{"title":"story","output":"x"}],"story":"a\nb"}`, "a\nb"},
		"escapes":      {`{"story":"\"q\" \\ \u00e4 \ud83d\ude00 \/ \t."}`, "\"q\" \\ ä 😀 / \t."},
		"UTF-8":        {`{"story":"größer 😀"}`, "größer 😀"},
		"nested only":  {`{"a":{"story":"no"},"b":["story","no"]}`, ""},
		"as a value":   {`{"a":"story","b":"no"}`, ""},
		"not JSON":     {`story: hello`, ""},
		"unfinished":   {`{"story":"so far`, "so far"},
	} {
		t.Run(name, func(t *testing.T) {
			for cut := 0; cut <= len(tc.args); cut++ {
				var r storyReader
				if got := r.read(tc.args[:cut]) + r.read(tc.args[cut:]); got != tc.want {
					t.Fatalf("cut at %d: %q, want %q", cut, got, tc.want)
				}
			}
			var r storyReader
			var got strings.Builder
			for i := range len(tc.args) {
				got.WriteString(r.read(tc.args[i : i+1]))
			}
			if got.String() != tc.want {
				t.Errorf("byte by byte: %q, want %q", got.String(), tc.want)
			}
		})
	}
}

func FuzzStoryReader(f *testing.F) {
	f.Add("a \"b\" \\ 😀\n", uint8(3))
	f.Fuzz(func(t *testing.T, story string, size uint8) {
		raw, err := json.Marshal(map[string]any{"a": []string{"story"}, "story": story})
		if err != nil {
			t.Skip()
		}
		var want struct{ Story string }
		if err := json.Unmarshal(raw, &want); err != nil {
			t.Fatal(err)
		}
		if strings.ContainsRune(want.Story, '\uFFFD') {
			t.Skip() // waits for a rest that never comes
		}
		var r storyReader
		var got strings.Builder
		for step := int(size%7) + 1; len(raw) > 0; raw = raw[min(step, len(raw)):] {
			got.WriteString(r.read(string(raw[:min(step, len(raw))])))
		}
		if got.String() != want.Story {
			t.Fatalf("%q, want %q", got.String(), want.Story)
		}
	})
}

// However long a story is, and however it is cut, reading it holds next to
// nothing: models write arguments of megabytes.
func TestStoryReaderHoldsNextToNothing(t *testing.T) {
	for name, tc := range map[string]struct {
		args string
		want int // bytes of the story
	}{
		"long":       {`{"story":"` + strings.Repeat(`\u00e9\n`, 200_000), 600_000},
		"unreadable": {`{"story":"ok\x` + strings.Repeat("a", 1_000_000), 2},
	} {
		t.Run(name, func(t *testing.T) {
			var r storyReader
			got := 0
			for i := 0; i < len(tc.args); i += 5 {
				got += len(r.read(tc.args[i:min(i+5, len(tc.args))]))
				if r.token.Len() > 100 {
					t.Fatalf("%d bytes are held", r.token.Len())
				}
			}
			if got != tc.want {
				t.Errorf("%d bytes, want %d", got, tc.want)
			}
		})
	}
}
