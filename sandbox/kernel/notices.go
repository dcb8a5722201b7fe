package kernel

import (
	"fmt"
	"strings"

	"github.com/mark-analyst/mark/internal/execution"
)

// Why something that a step made was left out, in a done frame. leftPrinted is
// no reason there: the frame has a field of its own for it.
const (
	leftPrinted    = "printed"
	leftOutputs    = "outputs"    // more was shown than a step may show
	leftCount      = "count"      // more files than a step keeps
	leftSize       = "size"       // a file that is too large
	leftTotal      = "total"      // files that are too large together
	leftUnreadable = "unreadable" // a file that could not be opened
	leftUnseen     = "unseen"     // there are more files than are looked at
)

const (
	maxLeftNames = 3
	maxLeftCount = 1 << 30
)

// leftEntry is what was left out for one reason.
type leftEntry struct {
	Why   string   `json:"why"`
	Count int      `json:"count"`
	Names []string `json:"names"`
}

// leftOut is all that was left out of a step, by reason.
type leftOut map[string]*leftEntry

func (l *leftOut) entry(why string) *leftEntry {
	if *l == nil {
		*l = leftOut{}
	}
	if (*l)[why] == nil {
		(*l)[why] = &leftEntry{Why: why}
	}
	return (*l)[why]
}

// add counts one more thing; name may be "".
func (l *leftOut) add(why, name string) {
	e := l.entry(why)
	e.Count++
	if name != "" && len(e.Names) < maxLeftNames {
		e.Names = append(e.Names, name)
	}
}

// merge adds what the kernel left out itself.
func (l *leftOut) merge(from leftEntry) {
	e := l.entry(from.Why)
	e.Count += from.Count
	for _, name := range from.Names {
		if len(e.Names) < maxLeftNames {
			e.Names = append(e.Names, cleanName(name))
		}
	}
}

// checkLeftOut refuses what the kernel would not say.
func checkLeftOut(entries []leftEntry) error {
	seen := map[string]bool{}
	for _, e := range entries {
		switch e.Why {
		case leftOutputs, leftCount, leftSize, leftTotal, leftUnreadable, leftUnseen:
		default:
			return fmt.Errorf("%w: left out for %q", errFrame, e.Why)
		}
		if seen[e.Why] || e.Count < 1 || e.Count > maxLeftCount || len(e.Names) > min(e.Count, maxLeftNames) {
			return fmt.Errorf("%w: %d of %q left out with %d names", errFrame, e.Count, e.Why, len(e.Names))
		}
		seen[e.Why] = true
	}
	return nil
}

// notices tells it to a person, the most surprising first.
func (l leftOut) notices(limits execution.Limits) []execution.Notice {
	var all []execution.Notice
	for _, why := range []string{leftSize, leftTotal, leftCount, leftUnreadable, leftUnseen, leftOutputs, leftPrinted} {
		if e := l[why]; e != nil {
			all = append(all, e.notice(limits))
		}
	}
	return all
}

func (e *leftEntry) notice(l execution.Limits) execution.Notice {
	say := func(code execution.NoticeCode, format string, a ...any) execution.Notice {
		return execution.Notice{Code: code, Message: fmt.Sprintf(format, a...)}
	}
	switch e.Why {
	case leftSize:
		return say(execution.NoticeTooLarge, "%s not kept: a file may have %s at most.", e.what(), size(l.ArtifactBytes))
	case leftTotal:
		return say(execution.NoticeTooLarge, "%s not kept: the files of one step may have %s together.", e.what(), size(l.ArtifactsBytes))
	case leftCount:
		return say(execution.NoticeArtifacts, "%s not kept: one step keeps %d files at most.", e.what(), l.Artifacts)
	case leftUnreadable:
		return say(execution.NoticeUnreadable, "%s not kept: it could not be read.", e.what())
	case leftUnseen:
		return say(execution.NoticeArtifacts, "Some files were not looked at: there are too many in the working folder.")
	case leftOutputs:
		return say(execution.NoticeOutputs, "%d more outputs were left out: one step shows %d at most.", e.Count, l.Outputs)
	}
	return say(execution.NoticePrinted, "More was printed than the %s that are kept of one step; the rest is lost.", size(l.OutputBytes))
}

// what names the files, and says that they were: "a.csv was", "a.csv, b.csv and 3 more were".
func (e *leftEntry) what() string {
	text, more := strings.Join(e.Names, ", "), e.Count-len(e.Names)
	switch {
	case text == "" && e.Count == 1:
		return "A file was"
	case text == "":
		return fmt.Sprintf("%d files were", e.Count)
	case more > 0:
		return fmt.Sprintf("%s and %d more were", text, more)
	case e.Count > 1:
		return text + " were"
	}
	return text + " was"
}

// size tells a number of bytes as people do.
func size(bytes int64) string {
	switch {
	case bytes >= 1<<20 && bytes%(1<<20) == 0:
		return fmt.Sprintf("%d MiB", bytes>>20)
	case bytes >= 1<<10 && bytes%(1<<10) == 0:
		return fmt.Sprintf("%d KiB", bytes>>10)
	}
	return fmt.Sprintf("%d bytes", bytes)
}
