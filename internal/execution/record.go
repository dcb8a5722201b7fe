package execution

// Limit names a limit of a session that code meets as an exception, and
// survives.
type Limit string

// The limits.
const (
	LimitNone      Limit = ""
	LimitDisk      Limit = "disk"      // the working folder, or another, is full
	LimitFiles     Limit = "files"     // open files
	LimitProcesses Limit = "processes" // processes and threads
	LimitMemory    Limit = "memory"    // an allocation that was refused
)

// Code returns the code of a failure over this limit, or "" for LimitNone and
// what is no limit.
func (l Limit) Code() Code {
	switch l {
	case LimitDisk:
		return CodeDiskFull
	case LimitFiles:
		return CodeTooManyFiles
	case LimitProcesses:
		return CodeTooManyProcesses
	case LimitMemory:
		return CodeMemoryError
	}
	return ""
}

// Notice tells of something that a step made and that was not kept.
type Notice struct {
	Code    NoticeCode
	Message string // a sentence for a person
}

// NoticeCode classes notices.
type NoticeCode string

// The codes of notices.
const (
	NoticePrinted    NoticeCode = "PYTHON_OUTPUT_CUT"          // more was printed than is kept
	NoticeOutputs    NoticeCode = "PYTHON_TOO_MANY_OUTPUTS"    // more was shown than is kept
	NoticeArtifacts  NoticeCode = "PYTHON_TOO_MANY_ARTIFACTS"  // files beyond their number
	NoticeTooLarge   NoticeCode = "PYTHON_ARTIFACT_TOO_LARGE"  // files beyond their size, or that of all
	NoticeUnreadable NoticeCode = "PYTHON_ARTIFACT_UNREADABLE" // files that could not be read
)

// Facts are what can be read off a step's code before it runs. They are for
// the audit record and keep nobody from anything: code has countless ways to
// hide what it does. The session tells them, in which earlier code may have
// changed what it tells.
type Facts struct {
	Parsed    bool     `json:"parsed"`    // false: the code is no Python
	Imports   []string `json:"imports"`   // modules
	Calls     []string `json:"calls"`     // what an auditor would look at: "os.system", "eval"
	Names     []string `json:"names"`     // literals that look like file names or URLs
	Truncated bool     `json:"truncated"` // there are more than are listed
}

// Usage is what a step took of the machine, told by the session itself.
type Usage struct {
	CPUMs int64 `json:"cpuMs"` // of the process and the children that it waited for
	// PeakMemory is the most that the process, or one of its children, had in
	// memory so far in its life, bytes.
	PeakMemory int64 `json:"peakMemory"`
}
