package agent

import (
	"regexp"

	"github.com/mark-analyst/mark/internal/untrusted"
)

// ownLabel is what begins or ends what is data in a prompt: the tags that this
// package and its prompts write, also where they are written a little differently.
var ownLabel = regexp.MustCompile(`(?i)<(\s*/?\s*(?:datasets|context|stdout|stderr|outputs|error|answer|summary|conversation|earlier_summary)\b)`)

// inside makes a text stay inside of the label that it is put into: a label of
// Mark's own in it reads as text. What is put in as JSON needs none of this, since
// encode escapes its brackets.
func inside(text string) string { return ownLabel.ReplaceAllString(text, "&lt;$1") }

// isPlain tells whether a line can stand in a prompt as it is.
func isPlain(line string) bool { return inside(untrusted.Line(line)) == line }
