// Package markdown makes a model's Markdown fit to be rendered: an image makes
// the browser fetch an address of the writer's choosing, with data in it, and a
// link hides where it leads; neither has a place in an answer, and no address is
// on the list of allowed ones. HTML goes as well. Text, emphasis, lists, tables
// and code stay as they are; addresses stay readable as text.
package markdown

import (
	"bytes"
	"regexp"
	"sort"
	"strings"

	"github.com/yuin/goldmark"
	"github.com/yuin/goldmark/ast"
	"github.com/yuin/goldmark/extension"
	"github.com/yuin/goldmark/text"
)

// Clean returns the text without images, links and HTML, as CommonMark with
// GitHub's tables reads it.
func Clean(story string) string {
	source := []byte(story)
	active, code := inspect(source)
	if !active {
		return story
	}
	cleaned := outside(source, code, disarm)
	if active, _ := inspect(cleaned); active {
		// A text made to be read in two ways: nothing in it stays Markdown.
		cleaned = special.ReplaceAll(source, []byte(`\$0`))
	}
	return string(cleaned)
}

var (
	// special is what CommonMark lets a backslash disarm.
	special = regexp.MustCompile("[\\\\`*_{}\\[\\]<>()#+\\-.!|~:&]")
	// openers is what images, links, references and HTML begin with.
	openers = strings.NewReplacer("![", "[", "](", `\] (`, "][", `\] [`, "]:", `\]:`, "<", `\<`)
)

func disarm(part string) string { return openers.Replace(part) }

// inspect tells whether a text has images, links or HTML, and where its code is.
func inspect(source []byte) (active bool, code [][2]int) {
	doc := goldmark.New(goldmark.WithExtensions(extension.Table, extension.Strikethrough)).
		Parser().Parse(text.NewReader(source))
	mark := func(s text.Segment) { code = append(code, [2]int{s.Start, s.Stop}) }
	walk := func(n ast.Node, entering bool) (ast.WalkStatus, error) {
		if !entering {
			return ast.WalkContinue, nil
		}
		switch n := n.(type) {
		case *ast.Image, *ast.Link, *ast.AutoLink, *ast.RawHTML, *ast.HTMLBlock:
			active = true
		case *ast.CodeSpan:
			for c := n.FirstChild(); c != nil; c = c.NextSibling() {
				if t, ok := c.(*ast.Text); ok {
					mark(t.Segment)
				}
			}
		case *ast.FencedCodeBlock, *ast.CodeBlock:
			for i := range n.Lines().Len() {
				mark(n.Lines().At(i))
			}
		}
		return ast.WalkContinue, nil
	}
	ast.Walk(doc, walk) //nolint:errcheck // walk returns none
	sort.Slice(code, func(i, j int) bool { return code[i][0] < code[j][0] })
	return active, code
}

// outside changes what is not code.
func outside(source []byte, code [][2]int, change func(string) string) []byte {
	var out bytes.Buffer
	at := 0
	for _, c := range code {
		if c[0] < at {
			continue
		}
		out.WriteString(change(string(source[at:c[0]])))
		out.Write(source[c[0]:c[1]])
		at = c[1]
	}
	out.WriteString(change(string(source[at:])))
	return out.Bytes()
}
