// Package execution is the vocabulary that the agent, dataset profiling and the
// sandbox providers share: what is put into a Python session, what comes out of
// it while code runs, and how a step ends. It names rich outputs by MIME type as
// Jupyter does. Everything that comes out of a session is untrusted data.
package execution

import (
	"context"
	"encoding/json"
	"errors"
	"io"
	"strings"
	"time"
	"unicode"
	"unicode/utf8"
)

// Session is one live Python process. Variables persist from Run to Run. A
// session runs one step at a time; Run while another Run is going is an error.
type Session interface {
	// Run executes code. It tells the host what comes out while the code runs
	// and asks it what the code wants to know. It returns when the step has
	// ended and says how; its error is non-nil only where the session itself
	// failed or ctx ended, and is then an *Error. After an *Error whose Fatal
	// is set the session is gone and every further Run returns it again.
	Run(ctx context.Context, code string, host Host) (Result, error)
	// Close ends the process and erases what the session left on the host.
	// Closing twice is harmless.
	Close() error
}

// Host is the one who runs a step.
type Host struct {
	// Emit is told what comes out, from one goroutine at a time, before Run
	// returns; nil: nobody listens.
	Emit func(Event)
	// Call answers a call of the code's (`import mark`), from a goroutine of
	// its own whose ctx ends with the step. What it returns is encoded as
	// JSON; the message of a *CallError is raised in the code, any other error
	// as a sentence that says nothing. nil: every call is refused.
	Call func(ctx context.Context, call Call) (any, error)
	// Point names the state after the step, where the session is kept under a key:
	// the variables can be gone back to under this name while there is room for
	// them. At most 64 of A-Z, a-z, 0-9, _ and -; "": nobody will.
	Point string
}

// ErrNoPoint is in the error where variables are asked for as they were at a point
// of which none are kept, or not any more.
var ErrNoPoint = errors.New("execution: no variables of this point are kept")

// Listener returns a Host that only listens.
func Listener(emit func(Event)) Host { return Host{Emit: emit} }

// Call is what code asks of the host. It is untrusted, like all that comes out.
type Call struct {
	Method string          // "dataset", "files", "query"
	Args   json.RawMessage // an object
}

// CallError is the refusal of a call, for the code to read.
type CallError struct{ Message string }

// Error implements error.
func (e *CallError) Error() string { return e.Message }

// Spec says what a new session is given.
type Spec struct {
	// Owner shares what there is of sessions fairly: who asks for many waits
	// for their own before others do. An opaque key; "" is one owner as well.
	Owner string
	// Files appear read-only as /mnt/input/<Name> and as a link of that name
	// in the working folder /mnt/data. Names are unique and clean (no slash,
	// no control characters, not "." or "..").
	Files  []File
	Limits Limits
}

// Origin says where the variables of a session that is kept under a key come from.
type Origin struct {
	State OriginState
	// Reason is a sentence: why the variables are not what they were. Of
	// OriginLost and OriginEarlier.
	Reason string
}

// OriginState classes Origins.
type OriginState int

// The origins.
const (
	OriginNew     OriginState = iota // nothing was kept: the first session of its key
	OriginKept                       // all variables are there
	OriginEarlier                    // those from before the last step or steps, which could not be kept
	OriginLost                       // there were variables, and they are gone
)

// CleanName tells whether a file may have a name in a session.
func CleanName(name string) bool {
	return name != "" && name != "." && name != ".." && len(name) <= 255 && utf8.ValidString(name) &&
		!strings.ContainsFunc(name, func(r rune) bool { return r == '/' || unicode.IsControl(r) })
}

// File is a file on the host that a session may read.
type File struct {
	Name string
	Path string // on the host, absolute
}

// Limits bound a session; a zero field means the provider's default.
type Limits struct {
	StepTime       time.Duration // wall time of one Run
	CPUTime        time.Duration // of one Run, all its processes together, where the provider can tell
	MemoryBytes    int64         // the session's processes and temporary files together
	Processes      int           // processes and threads at once
	DiskBytes      int64         // the working folder
	OutputBytes    int64         // stdout and stderr of one Run, together
	Outputs        int           // rich outputs of one Run
	ArtifactBytes  int64         // one artifact
	ArtifactsBytes int64         // all artifacts of one Run
	Artifacts      int           // artifacts of one Run
}

// Or returns l with the fields of d where l has none (zero or below).
func (l Limits) Or(d Limits) Limits {
	return Limits{
		StepTime:       or(l.StepTime, d.StepTime),
		CPUTime:        or(l.CPUTime, d.CPUTime),
		MemoryBytes:    or(l.MemoryBytes, d.MemoryBytes),
		Processes:      or(l.Processes, d.Processes),
		DiskBytes:      or(l.DiskBytes, d.DiskBytes),
		OutputBytes:    or(l.OutputBytes, d.OutputBytes),
		Outputs:        or(l.Outputs, d.Outputs),
		ArtifactBytes:  or(l.ArtifactBytes, d.ArtifactBytes),
		ArtifactsBytes: or(l.ArtifactsBytes, d.ArtifactsBytes),
		Artifacts:      or(l.Artifacts, d.Artifacts),
	}
}

func or[T int | int64 | time.Duration](value, fallback T) T {
	if value <= 0 {
		return fallback
	}
	return value
}

// Event is what comes out of a running step; exactly one field is set.
type Event struct {
	Chunk    *Chunk
	Output   *Output
	Progress *Progress
}

// Progress is how far the code says that it is (mark.progress).
type Progress struct {
	Done  float64 `json:"done"`
	Total float64 `json:"total"` // 0: unknown
}

// Stream names a standard stream.
type Stream string

// The two streams.
const (
	Stdout Stream = "stdout"
	Stderr Stream = "stderr"
)

// Chunk is a piece of a standard stream: valid UTF-8, cut anywhere between
// characters.
type Chunk struct {
	Stream Stream
	Text   string
}

// The MIME types of rich outputs.
const (
	MIMEPlotly = "application/vnd.plotly.v1+json"  // JSON: a figure
	MIMETable  = "application/vnd.mark.table+json" // Table is set
	MIMEText   = "text/plain"                      // Text: repr of the last expression
	MIMEPNG    = "image/png"                       // Artifact is set
	MIMEJSON   = "application/json"                // JSON: what display_json was given
	MIMEFile   = "application/vnd.mark.file+json"  // Artifact is set: a file left in /mnt/data, or a page of HTML that was shown
)

// Output is one rich output of a step.
type Output struct {
	MIME     string          `json:"mimeType"`
	Title    string          `json:"title,omitempty"` // a figure's or a table's own title
	Text     string          `json:"text,omitempty"`
	JSON     json.RawMessage `json:"json,omitempty"`
	Table    *Table          `json:"table,omitempty"`
	Artifact *Artifact       `json:"-"`
}

// Table is the head of a DataFrame or a Series. Cells are JSON scalars; a
// number that JSON cannot hold (NaN, infinities) is null, an integer beyond
// 2^53 and a time is a string.
type Table struct {
	Columns   []string `json:"columns"`
	Rows      [][]any  `json:"rows"`
	RowCount  int64    `json:"rowCount"` // of the whole frame
	Truncated bool     `json:"truncated"`
}

// Artifact is a file that a step left behind. Open works until the session is
// closed or, if that is sooner, until the next Run.
type Artifact struct {
	Name      string // cleaned: no folder, no control characters, unique in its step
	MIMEType  string // by content, not by name
	SizeBytes int64
	Open      func() (io.ReadCloser, error)
}

// Result says how a step ended.
type Result struct {
	Failure  *Failure // nil: it succeeded
	Duration time.Duration
	// Truncated tells that output beyond a limit was dropped; Notices tell what.
	Truncated bool
	Notices   []Notice
	// Facts and Usage are what the session says of the step; nil where it did
	// not get to say it.
	Facts *Facts
	Usage *Usage
}

// Failure is an exception that the code raised.
type Failure struct {
	Name      string // the exception's class: "KeyError"
	Message   string
	Traceback string // cut to the user's own lines, without ANSI codes
	// Limit is the limit of the session that the code ran into, so far as the
	// session can tell; code can raise the like itself. "": none.
	Limit Limit
}

// Code classes the ends of a step that are not the code's own doing, or that
// a limit brought about.
type Code string

// The codes. All but CodeUnavailable and CodeCancelled name a limit.
const (
	CodeTimeout     Code = "PYTHON_TIMEOUT"
	CodeCPUTime     Code = "PYTHON_CPU_TIME"
	CodeMemory      Code = "PYTHON_OUT_OF_MEMORY"
	CodeOutput      Code = "PYTHON_TOO_MUCH_OUTPUT"
	CodeDied        Code = "PYTHON_DIED"        // the interpreter ended or was killed by its own code
	CodeProtocol    Code = "PYTHON_PROTOCOL"    // frames that the kernel would not send
	CodeUnavailable Code = "PYTHON_UNAVAILABLE" // no isolation, no runtime, no room
	CodeCancelled   Code = "PYTHON_CANCELLED"   // the caller's context ended

	// What a Failure's limit is called: the step failed and the session goes on.
	CodeDiskFull         Code = "PYTHON_DISK_FULL"
	CodeTooManyFiles     Code = "PYTHON_TOO_MANY_FILES"
	CodeTooManyProcesses Code = "PYTHON_TOO_MANY_PROCESSES"
	CodeMemoryError      Code = "PYTHON_MEMORY_ERROR"
)

// Error is the failure of a session.
type Error struct {
	Code    Code
	Message string // a sentence for a person: what happened and what to do
	Fatal   bool   // the session is gone, its variables with it
	Err     error  // the cause, for logs only
}

// Error implements error with everything, the cause included: for logs.
func (e *Error) Error() string {
	if e.Err == nil {
		return string(e.Code) + ": " + e.Message
	}
	return string(e.Code) + ": " + e.Message + ": " + e.Err.Error()
}

// Unwrap returns the cause.
func (e *Error) Unwrap() error { return e.Err }

// Isolation says what really stands between a session and this machine.
type Isolation struct {
	Provider string // "gvisor", "daytona"
	Detail   string // a sentence: what is in force, or why nothing runs
	Ready    bool
}
