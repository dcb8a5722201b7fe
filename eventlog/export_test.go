package eventlog

import "golang.org/x/sync/semaphore"

// Waiting is how many calls wait in the lanes for their turn.
func (l *Log) Waiting() int {
	l.lanes.mu.Lock()
	defer l.lanes.mu.Unlock()
	n := 0
	for _, ln := range l.lanes.byRun {
		n += len(ln.waiting)
	}
	return n
}

// Idle tells whether no lane is left.
func (l *Log) Idle() bool {
	l.lanes.mu.Lock()
	defer l.lanes.mu.Unlock()
	return len(l.lanes.byRun) == 0 && !l.lanes.flushing
}

// SetRoom lets so many bytes wait.
func (l *Log) SetRoom(bytes int64) { l.room = semaphore.NewWeighted(bytes) }
