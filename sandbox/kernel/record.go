package kernel

import (
	"fmt"
	"unicode/utf8"

	"github.com/mark-analyst/mark/internal/execution"
)

// What a facts frame may hold at most; the kernel keeps below all of these.
const (
	maxFacts = 100 // of each list
	maxFact  = 200 // characters

	// maxCPU and maxPeak are beyond any machine: what is more is no measure.
	maxCPU  = 1 << 40 // milliseconds
	maxPeak = 1 << 50 // bytes
)

// takeFacts takes the frame with which a step begins.
func (s *step) takeFacts(payload []byte) error {
	if s.facts != nil {
		return fmt.Errorf("%w: facts in the middle of a step", errFrame)
	}
	var f execution.Facts
	if err := strictJSON(payload, &f); err != nil {
		return err
	}
	for _, list := range []*[]string{&f.Imports, &f.Calls, &f.Names} {
		if len(*list) > maxFacts {
			return fmt.Errorf("%w: %d facts of one kind", errFrame, len(*list))
		}
		clean := make([]string, 0, len(*list))
		for _, fact := range *list {
			if utf8.RuneCountInString(fact) > maxFact {
				return fmt.Errorf("%w: an endless fact", errFrame)
			}
			clean = append(clean, cleanLine(fact, maxFact))
		}
		*list = clean
	}
	s.facts = &f
	return nil
}

// checkUsage refuses what no step can have used; nil is a kernel that did not
// say.
func checkUsage(u *execution.Usage) error {
	if u != nil && (u.CPUMs < 0 || u.CPUMs > maxCPU || u.PeakMemory < 0 || u.PeakMemory > maxPeak) {
		return fmt.Errorf("%w: a step of %d ms with %d bytes", errFrame, u.CPUMs, u.PeakMemory)
	}
	return nil
}
