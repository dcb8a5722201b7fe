package gvisor

import (
	"context"
	"time"
)

// cpuTime is how much CPU time the session's processes have taken since
// the machine that they were restored from was made; false: the launcher has no time
// to answer, or does not know. One caller at a time.
func (s *session) cpuTime(ctx context.Context) (time.Duration, bool) {
	select {
	case <-s.cpuTimes: // came too late for who asked
	default:
	}
	if s.proc.say(wordCPU) != nil {
		return 0, false
	}
	late := time.NewTimer(usageTime)
	defer late.Stop()
	select {
	case e := <-s.cpuTimes:
		return time.Duration(e.Nanoseconds), e.Message == ""
	case <-s.over:
	case <-ctx.Done():
	case <-late.C:
	}
	return 0, false
}
