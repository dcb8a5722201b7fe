package kernel

import (
	"context"
	"testing"
	"time"

	"github.com/mark-analyst/mark/internal/execution"
)

// A step is stopped for what it has taken since it was looked at first; what was taken
// before, and an answer that did not come, do not count.
func TestCPUTime(t *testing.T) {
	answers := []time.Duration{-1, 90 * time.Second, -1, 91 * time.Second, 91*time.Second + 1}
	asked := 0
	c, p := connect(t, Options{
		Limits: execution.Limits{CPUTime: time.Second},
		CPUTime: func(context.Context) (time.Duration, bool) {
			taken := answers[min(asked, len(answers)-1)]
			asked++
			return taken, taken >= 0
		},
	})
	_, _, err := run(t, c, p, func(s sentinel) {
		p.read(frameInterrupt)
		p.send(frame{frameDone, s, []byte(`{"stopped":"interrupt"}`)})
	})
	if err == nil || err.Code != execution.CodeCPUTime || err.Fatal || asked != len(answers) {
		t.Errorf("asked %d times, and then the step ended with %v", asked, err)
	}
}

// Who takes long to tell is not waited for when the step has ended.
func TestTheMeterEndsWithItsStep(t *testing.T) {
	asked := make(chan struct{})
	m := newMeter(func(ctx context.Context) (time.Duration, bool) {
		close(asked)
		<-ctx.Done()
		return 0, false
	}, time.Second)
	<-asked
	m.end()
	select {
	case <-m.exceeded():
		t.Error("it has exceeded what nobody knows")
	default:
	}
	var none *meter
	none.end()
	if none.exceeded() != nil || newMeter(nil, time.Second) != nil {
		t.Error("there is a meter without anybody who can tell")
	}
}
