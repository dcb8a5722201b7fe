// The Python interpreter that sessions run, pinned by cpython.sum. It is taken
// with `go mod download` and never imported: the package would embed 31 MB into
// the service. Kept apart from the project's own go.mod so that nobody who only
// builds Mark downloads it.
module github.com/mark-analyst/mark/sandbox/pyruntime/cpython

go 1.26.0

require github.com/kluctl/go-embed-python v0.0.0-3.14.6-20260610-1
