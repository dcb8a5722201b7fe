// Package kernel is the Python side of a session and the host's end of its
// wire: a provider starts the embedded program any way it likes and hands the
// two pipes to a Conn. PROTOCOL.md describes the program, the frames and what
// either end promises; nothing that comes out of the program is trusted.
package kernel

import (
	"context"
	"embed"
	"io/fs"
	"time"

	"github.com/mark-analyst/mark/internal/execution"
)

// Protocol is the version of the wire. Both ends must speak the same.
const Protocol = 2

//go:embed py/__main__.py py/markkernel/*.py
var files embed.FS

// Files returns the kernel's Python sources: a folder for Python to run
// (__main__.py at its top). They change only with the binary, so a provider may
// key images on their content.
func Files() fs.FS {
	sub, err := fs.Sub(files, "py")
	if err != nil {
		panic(err) // the embedded folder is there or this does not compile
	}
	return sub
}

// Argv returns the command line that runs the kernel: python is the
// interpreter, dir the folder that holds Files, both as the session sees them.
// With warm it warms the libraries and reports (AwaitWarm) before it waits.
func Argv(python, dir string, warm bool) []string {
	argv := []string{python, "-I", "-X", "utf8", dir}
	if warm {
		argv = append(argv, "--warm")
	}
	return argv
}

// Env returns the environment a session needs, "NAME=value"; temp is its
// folder for temporary files. One OpenBLAS thread: sessions share processors,
// and each further thread costs memory in every one. No multiprocessing in
// joblib: it needs /dev/shm. The C library keeps what is freed, in blocks of up to
// 32 MiB and 256 MiB of it, where by itself it gives arrays back to the system at
// once: memory that is new costs five times as much in a sandbox. What a step leaves
// unused is given back at its end (py/markkernel/heap.py).
func Env(temp string) []string {
	return []string{
		"HOME=" + temp,
		"TMPDIR=" + temp,
		"MPLCONFIGDIR=" + temp + "/matplotlib",
		"MPLBACKEND=Agg",
		"TZ=UTC",
		"LC_ALL=C.UTF-8",
		"OPENBLAS_NUM_THREADS=1",
		"OMP_NUM_THREADS=1",
		"JOBLIB_MULTIPROCESSING=0",
		"MALLOC_MMAP_THRESHOLD_=33554432",
		"MALLOC_TRIM_THRESHOLD_=268435456",
	}
}

// The folders of a session, unless Options say otherwise.
const (
	WorkDir  = "/mnt/data"
	InputDir = "/mnt/input"
)

// DefaultLimits returns what a zero field of execution.Limits means to a Conn.
// Memory, processes and disk stay zero, which is no bound: they are the
// provider's. Where MemoryBytes or Processes are set, the kernel also bounds
// itself by them before any user code, so that too large an array is a
// MemoryError and not the end of the session.
func DefaultLimits() execution.Limits {
	return execution.Limits{
		StepTime:       2 * time.Minute,
		OutputBytes:    1 << 20,
		Outputs:        30,
		ArtifactBytes:  32 << 20,
		ArtifactsBytes: 64 << 20,
		Artifacts:      20,
	}
}

// defaultGrace is how long a step may take to end after it was interrupted.
const defaultGrace = 2 * time.Second

// Options say how a Conn deals with its kernel.
type Options struct {
	Limits execution.Limits // zero fields: DefaultLimits

	// ArtifactDir is an existing folder on the host, for this session alone;
	// artifacts are written there under names of the host's choosing, and
	// removed at the next Run and by Close.
	ArtifactDir string

	// CPUTime tells how much CPU time the session's processes have taken so far, from
	// outside; false: not now. It is asked from time to time while a step runs, once
	// at a time. Nil: nobody can tell, and Limits.CPUTime bounds nothing.
	CPUTime func(ctx context.Context) (taken time.Duration, known bool)

	Files    []string // names in InputDir to link into WorkDir
	Touch    bool     // use the libraries once before the session is ready
	WorkDir  string   // "": WorkDir
	InputDir string   // "": InputDir

	// Grace is how long an interrupted step may take to end before the
	// session is given up; 0: two seconds.
	Grace time.Duration
}

func (o Options) withDefaults() Options {
	o.Limits = o.Limits.Or(DefaultLimits())
	if o.WorkDir == "" {
		o.WorkDir = WorkDir
	}
	if o.InputDir == "" {
		o.InputDir = InputDir
	}
	if o.Grace <= 0 {
		o.Grace = defaultGrace
	}
	return o
}
