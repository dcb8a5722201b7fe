package kernel

import (
	"context"
	"time"

	"github.com/mark-analyst/mark/internal/clock"
	"github.com/mark-analyst/mark/internal/execution"
)

// meterEvery is how often the CPU time of a step is looked at. What it takes until the
// first look is not counted: a step that is over by then is not slowed down by one.
const meterEvery = 500 * time.Millisecond

// meter tells when a step has taken more CPU time than it may. It is nil where there
// is no limit, or nobody who can tell.
type meter struct {
	over chan struct{} // closed then
	stop func()        // waits for what is being asked
}

func newMeter(cpuTime func(context.Context) (time.Duration, bool), limit time.Duration) *meter {
	if cpuTime == nil || limit <= 0 {
		return nil
	}
	ctx, cancel := context.WithCancel(context.Background())
	done := make(chan struct{})
	m := &meter{over: make(chan struct{}), stop: func() { cancel(); <-done }}
	go func() {
		defer close(done)
		tick := time.NewTicker(meterEvery)
		defer tick.Stop()
		began := time.Duration(-1)
		for {
			select {
			case <-tick.C:
			case <-ctx.Done():
				return
			}
			taken, known := cpuTime(ctx)
			switch {
			case !known:
			case began < 0:
				began = taken
			case taken-began > limit:
				close(m.over)
				return
			}
		}
	}()
	return m
}

// exceeded is closed when the step has taken too much.
func (m *meter) exceeded() <-chan struct{} {
	if m == nil {
		return nil
	}
	return m.over
}

func (m *meter) end() {
	if m != nil {
		m.stop()
	}
}

func tooMuchCPU(limit time.Duration) *execution.Error {
	return &execution.Error{
		Code:    execution.CodeCPUTime,
		Message: "The step took more than " + clock.Words(limit) + " of CPU time and was stopped. The variables are kept; try less data or a cheaper method, or fewer processes.",
	}
}
