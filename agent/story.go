package agent

import (
	"encoding/json"
	"strings"
	"unicode/utf8"
)

// storyReader reads the arguments of a final_answer call as they are written
// and gives out the value of the member "story" as far as it is known. What is
// not JSON, or has its story elsewhere than at the top, yields nothing: the whole
// arguments are read again, strictly, when the call has ended.
type storyReader struct {
	depth    int
	inString bool
	escaped  bool            // the character before was a backslash
	token    strings.Builder // the string that is being read, raw; of the story what was not given out
	key      string          // the last string at depth 1 that stands where a key does
	isValue  bool            // a colon was seen since the last comma
	done     bool
}

// read takes the next piece and returns the text that it adds to the story.
func (s *storyReader) read(piece string) string {
	var out strings.Builder
	for i := 0; i < len(piece) && !s.done; i++ {
		s.step(piece[i], &out)
	}
	if s.inStory() {
		s.give(&out, false)
	}
	return out.String()
}

func (s *storyReader) inStory() bool {
	return s.inString && s.depth == 1 && s.isValue && s.key == "story"
}

func (s *storyReader) step(c byte, out *strings.Builder) {
	if s.inString {
		switch {
		case s.escaped:
			s.escaped = false
		case c == '\\':
			s.escaped = true
		case c == '"':
			s.endString(out)
			return
		}
		s.token.WriteByte(c)
		return
	}
	switch c {
	case '"':
		s.inString = true
		s.token.Reset()
	case '{', '[':
		s.depth++
	case '}', ']':
		s.depth--
	case ':':
		s.isValue = s.isValue || s.depth == 1
	case ',':
		if s.depth == 1 {
			s.isValue, s.key = false, ""
		}
	}
}

func (s *storyReader) endString(out *strings.Builder) {
	if s.inStory() {
		s.give(out, true)
		s.done = true
	}
	if s.depth == 1 && !s.isValue {
		s.key = s.token.String()
	}
	s.inString = false
}

// maxHeld is how much of a story can wait for its rest: \uXXXX\uXXXX is the
// longest that has to.
const maxHeld = 12

// give writes what of the story is new. A cut escape or character waits for its
// rest; what can never be read ends the story.
func (s *storyReader) give(out *strings.Builder, whole bool) {
	raw := s.token.String()
	for cut := len(raw); cut > 0 && cut >= len(raw)-maxHeld; cut-- {
		var text string
		if json.Unmarshal([]byte(`"`+raw[:cut]+`"`), &text) != nil {
			continue
		}
		// An unpaired surrogate or a cut character reads as U+FFFD: wait.
		if r, _ := utf8.DecodeLastRuneInString(text); r == utf8.RuneError && !whole {
			continue
		}
		out.WriteString(text)
		s.token.Reset()
		s.token.WriteString(raw[cut:])
		return
	}
	s.done = len(raw) > 4*maxHeld
}
