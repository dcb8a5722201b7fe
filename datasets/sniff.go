package datasets

import (
	"bytes"
	"strings"

	"github.com/gabriel-vasile/mimetype"

	"github.com/mark-analyst/mark/internal/fault"
)

// sniffBytes is how much of a file's beginning tells its type: what mimetype
// looks at.
const sniffBytes = 3072

// containers are binary types that may hold a table. Profiling finds out.
var containers = []string{"application/zip", "application/vnd.apache.parquet", "application/octet-stream"}

// refuse tells whether the beginning of a file shows that there is no table in
// it, by its content and never by its name. In doubt it lets the file pass:
// profiling reads it whole, in the sandbox.
func refuse(head []byte) error {
	// Text is a table as far as anybody knows yet, also where it begins with
	// the mark of something else ("BM", as in BMI, is a bitmap's); and no
	// binary format of renown gets by without a NUL in this much.
	if !bytes.Contains(head, []byte{0}) {
		return nil
	}
	found := mimetype.Detect(head)
	for t := found; t != nil; t = t.Parent() {
		if t.Is("text/plain") {
			return nil // UTF-16 or UTF-32
		}
	}
	for _, c := range containers {
		if found.Is(c) {
			return nil
		}
	}
	if found.Is("application/vnd.openxmlformats-officedocument.spreadsheetml.sheet") {
		return nil
	}
	name, _, _ := strings.Cut(found.String(), ";")
	return fault.New(fault.BadUserInput,
		"This is a file of the type %s, and no table that can be read. Upload CSV, TSV, JSON, JSON lines, XLSX or Parquet.", name).OnField("file")
}
