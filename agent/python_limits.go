package agent

import "github.com/mark-analyst/mark/internal/execution"

// failureCode is a step's code where its Python raised f.
func failureCode(f *execution.Failure) string {
	if code := f.Limit.Code(); code != "" {
		return string(code)
	}
	return CodeException
}

// limitMet says of a limit that code met as an exception: to the person what
// happened, to the model what to do. The session goes on. Both are "" where there
// was no limit.
func limitMet(l execution.Limit) (person, model string) {
	switch l {
	case execution.LimitDisk:
		return "The disk of the Python session is full.",
			"The session's disk is full; the variables are kept. Remove files that are not needed any more (os.remove), write less, or write a compressed format such as Parquet."
	case execution.LimitFiles:
		return "The code has too many files open at once.",
			"Too many files are open at once; the variables are kept. Close files as soon as they are read (with open(...) as f), and del variables that hold open ones."
	case execution.LimitProcesses:
		return "The code started more processes or threads than a Python session may have.",
			"The session may start no more processes or threads; the variables are kept. Do the work in one process: pandas and NumPy need no workers."
	case execution.LimitMemory:
		return "The code needed more memory than a Python session may have.",
			"An allocation beyond the session's memory was refused; the variables are kept. del what is not needed, read only the columns that are, use smaller types, or work in pieces (DuckDB reads files without loading them)."
	}
	return "", ""
}
