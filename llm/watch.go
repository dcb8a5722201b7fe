package llm

import (
	"context"
	"errors"
	"time"
)

// The causes with which an attempt's context ends when one of its own limits
// was reached.
var (
	errFirstByte = errors.New("no response within the limit")
	errIdle      = errors.New("nothing more arrived within the limit")
	errAttempt   = errors.New("the reply took longer than the limit")
)

// watch ends an attempt's context when the server stays silent. It only runs
// while something is being waited for, so that a slow consumer is not taken for
// a slow server.
type watch struct {
	cancel context.CancelCauseFunc
	idle   time.Duration
}

// waiting starts a wait of at most limit and returns what ends it.
func (w *watch) waiting(limit time.Duration, cause error) (arrived func() bool) {
	return time.AfterFunc(limit, func() { w.cancel(cause) }).Stop
}

// afterFinish bounds the wait for what may follow a finish_reason: the usage and
// [DONE]. A server that sends neither and keeps the connection open is not
// waited for any longer.
const afterFinish = 5 * time.Second

// endedByCaller tells that ctx, an attempt's, ended for no limit of the attempt.
func endedByCaller(ctx context.Context) bool {
	return ctx.Err() != nil && !errors.Is(context.Cause(ctx), errIdle)
}
