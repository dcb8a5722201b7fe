package datasets

import (
	"path"
	"strings"
	"unicode/utf8"

	"golang.org/x/text/unicode/norm"

	"github.com/mark-analyst/mark/internal/cut"
	"github.com/mark-analyst/mark/internal/fault"
	"github.com/mark-analyst/mark/internal/untrusted"
)

const (
	// maxFileName bounds a file's name in bytes: half of what file systems
	// take, which leaves room for whoever has to make it unique.
	maxFileName = 120
	// maxName bounds a dataset's name in characters, as where it is changed.
	maxName = 200
	// maxExtension is the longest ending that a name which is cut keeps.
	maxExtension = 16
)

// cleanFileName makes of the name that a client gave its file one that is safe
// and readable in the sandbox: the last part of a path, of either kind of
// system, composed (NFC), without invisible characters, and bounded.
func cleanFileName(name string) string {
	name = strings.ReplaceAll(name, `\`, "/")
	name = name[strings.LastIndexByte(name, '/')+1:]
	name = norm.NFC.String(untrusted.Line(name))
	// A leading dot hides a file, a trailing one is lost on some systems.
	name = strings.Trim(name, ". ")
	if name == "" {
		return "data"
	}
	if len(name) <= maxFileName {
		return name
	}
	extension := path.Ext(name)
	if len(extension) > maxExtension {
		extension = ""
	}
	return strings.TrimRight(cut.Bytes(name, maxFileName-len(extension)), ". ") + extension
}

// cleanName is what a person calls a dataset, or otherwise if they said nothing.
func cleanName(name, otherwise string) (string, error) {
	name = norm.NFC.String(untrusted.Line(name))
	switch n := utf8.RuneCountInString(name); {
	case n == 0:
		return otherwise, nil
	case n > maxName:
		return "", fault.New(fault.BadUserInput, "The name has %d characters; at most %d are taken.", n, maxName).OnField("name")
	}
	return name, nil
}
