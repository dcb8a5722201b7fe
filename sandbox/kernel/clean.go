package kernel

import (
	"path/filepath"
	"strings"

	"github.com/mark-analyst/mark/internal/cut"
	"github.com/mark-analyst/mark/internal/untrusted"
)

const (
	maxTitle = 200 // characters
	maxName  = 120 // bytes; ext4 and APFS take 255, archives and clients less
)

// cleanText drops from a text what steers a terminal or hides, and all beyond
// most bytes.
func cleanText(s string, most int) string {
	if s = untrusted.Clean(s); len(s) > most {
		s = cut.Bytes(s, most) + "…"
	}
	return s
}

// cleanLine makes one line of s, of at most most characters.
func cleanLine(s string, most int) string {
	return cut.ToCharacters(untrusted.Line(s), most)
}

// cleanName makes a file name of what the code called a file: no folder, no
// control or hidden characters, no leading dot, not empty, not too long, its
// extension kept.
func cleanName(s string) string {
	if i := strings.LastIndexAny(s, `/\`); i >= 0 {
		s = s[i+1:]
	}
	s = strings.TrimLeft(cleanLine(s, len(s)+1), ". ")
	s = strings.TrimRight(s, ". ")
	if s == "" {
		return "file"
	}
	if len(s) > maxName {
		ext := filepath.Ext(s)
		if len(ext) > 16 {
			ext = ""
		}
		s = cut.Bytes(s, maxName-len(ext)) + ext
	}
	return s
}
