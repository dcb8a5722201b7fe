package main

import (
	"bytes"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sys/unix"
)

// watchEvery is how often a session's memory is looked at. Python touches new
// memory at about 1 GB/s, so a session gets some 10 MB beyond its limit.
const watchEvery = 10 * time.Millisecond

// watcher keeps a session within its memory. All memory of the session's
// processes and all its temporary files are pages of one memfd, which the sentry
// holds; what it needs for itself (and a session can make it need more) is
// anonymous memory of its own.
type watcher struct {
	sentry int // pid
	memfd  *os.File
	limit  int64
}

func watch(sentry int, limit int64) (*watcher, error) {
	links, err := filepath.Glob(fmt.Sprintf("/proc/%d/fd/*", sentry))
	if err != nil {
		return nil, err
	}
	for _, link := range links {
		name, err := os.Readlink(link)
		if err != nil || !strings.HasPrefix(name, "/memfd:runsc-memory") {
			continue
		}
		f, err := os.Open(link)
		if err != nil {
			return nil, err
		}
		w := &watcher{sentry: sentry, memfd: f, limit: limit}
		_, err = w.usage()
		return w, err
	}
	return nil, errors.New("the sandbox's memory file was not found")
}

// run returns when the session is gone. When the session is over its limit, run
// stops it, tells over, and leaves killing it to the service: by then the service
// knows why it died.
func (w *watcher) run(over func(bytes int64)) {
	tick := time.NewTicker(watchEvery)
	defer tick.Stop()
	for range tick.C {
		used, err := w.usage()
		if err != nil {
			return
		}
		if used <= w.limit {
			continue
		}
		if err := unix.Kill(w.sentry, unix.SIGSTOP); err != nil {
			return
		}
		over(used)
		return
	}
}

func (w *watcher) usage() (int64, error) {
	var st unix.Stat_t
	if err := unix.Fstat(int(w.memfd.Fd()), &st); err != nil {
		return 0, err
	}
	b, err := os.ReadFile(fmt.Sprintf("/proc/%d/statm", w.sentry))
	if err != nil {
		return 0, err
	}
	fields := bytes.Fields(b) // size, resident, shared, in pages
	if len(fields) < 3 {
		return 0, errors.New("statm is cut short")
	}
	resident, err1 := strconv.ParseInt(string(fields[1]), 10, 64)
	shared, err2 := strconv.ParseInt(string(fields[2]), 10, 64)
	if err := errors.Join(err1, err2); err != nil {
		return 0, err
	}
	return st.Blocks*512 + (resident-shared)*int64(os.Getpagesize()), nil
}
