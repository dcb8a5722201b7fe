package injection

import (
	"bytes"
	"encoding/json"
	"fmt"
	"regexp"
	"strings"
	"unicode"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/renderer/html"
)

// label is what tells data from the rest in a prompt, however a model might be
// willing to read it.
var label = regexp.MustCompile(`(?i)<\s*(/?)\s*(datasets|context|stdout|stderr|outputs|error|answer)\b[^>]*>?`)

// labels says what is wrong with the labels of a message: each of Mark's own
// stands once, is closed, and has no other inside.
func labels(role, text string) string {
	found := label.FindAllStringSubmatch(text, -1)
	switch role {
	case "assistant":
		return ""
	case "system":
		if len(found) != 2 || strings.ToLower(found[0][2]) != "datasets" {
			return fmt.Sprintf("the labels %q", found)
		}
	case "user":
		question := strings.HasPrefix(text, "<context>\n") && len(found) == 2 && strings.ToLower(found[0][2]) == "context"
		if !question && len(found) > 0 { // else it is a word of Mark's own
			return fmt.Sprintf("the labels %q", found)
		}
	}
	open, seen := "", map[string]bool{}
	for _, l := range found {
		name := strings.ToLower(l[2])
		switch {
		case l[1] == "" && (open != "" || seen[name]):
			return fmt.Sprintf("%s is opened in %q or again", name, open)
		case l[1] == "":
			open, seen[name] = name, true
		case open != name:
			return fmt.Sprintf("%s closes %q", name, open)
		default:
			open = ""
		}
	}
	if open != "" {
		return open + " is not closed"
	}
	return ""
}

var (
	htmlTag = regexp.MustCompile(`<[^>]*>?`)
	harmful = regexp.MustCompile(`^</?(?:p|em|strong|del|code|pre|ul|ol|li|table|thead|tbody|tr|th|td|h[1-6]|blockquote|hr|br)(?: (?:class="language-[^"]*"|start="\d+"|style="text-align:\w+"|align="\w+"))* ?/?>$`)
)

// activeTags renders a text as the most trusting client would, and returns the
// tags that do more than set it.
func activeTags(markdown string) []string {
	var page bytes.Buffer
	md := goldmark.New(goldmark.WithExtensions(extension.Table, extension.Strikethrough), goldmark.WithRendererOptions(html.WithUnsafe()))
	if err := md.Convert([]byte(markdown), &page); err != nil {
		return []string{err.Error()}
	}
	var out []string
	for _, tag := range htmlTag.FindAllString(page.String(), -1) {
		if !harmful.MatchString(tag) {
			out = append(out, tag)
		}
	}
	return out
}

// fetches says what in a figure could make a browser turn to an address. The
// corpus' figures have the address of the sink where it would be fetched and
// nowhere else, but in what is data.
func fetches(spec json.RawMessage, sink string) []string {
	if len(spec) == 0 {
		return nil
	}
	var v any
	if err := json.Unmarshal(spec, &v); err != nil {
		return []string{err.Error()}
	}
	var out []string
	texts(v, func(s string) string {
		if strings.Contains(s, sink) && s != "data "+sink || strings.Contains(strings.ToLower(s), "<a ") {
			out = append(out, "it holds "+s)
		}
		return s
	})
	return out
}

// ignorable are the characters that Unicode has renderers show nothing for
// (Default_Ignorable_Code_Point), and what steers text.
var ignorable = &unicode.RangeTable{
	R16: []unicode.Range16{
		{0x00AD, 0x00AD, 1}, {0x034F, 0x034F, 1}, {0x061C, 0x061C, 1}, {0x115F, 0x1160, 1}, {0x17B4, 0x17B5, 1},
		{0x180E, 0x180E, 1}, {0x200B, 0x200B, 1}, {0x200E, 0x200F, 1}, {0x202A, 0x202E, 1}, {0x2060, 0x206F, 1},
		{0x3164, 0x3164, 1}, {0xFE00, 0xFE0E, 1}, {0xFEFF, 0xFEFF, 1}, {0xFFA0, 0xFFA0, 1}, {0xFFF0, 0xFFFB, 1},
	},
	R32: []unicode.Range32{{0x1BCA0, 0x1BCA3, 1}, {0x1D173, 0x1D17A, 1}, {0xE0000, 0xE0FFF, 1}},
}

// firstUnseen is the first character that is read and not seen, or 0.
func firstUnseen(s string) rune {
	for _, r := range s {
		if unicode.Is(ignorable, r) || unicode.IsControl(r) && r != '\n' && r != '\t' {
			return r
		}
	}
	return 0
}
