package main

import (
	"encoding/json"
	"net"
	"os"
	"strings"
	"sync"
)

// controlFD is the socket that the service hands down. What the launcher has to
// say goes out as lines of JSON. When the service closes its end, or dies, the
// session ends.
const controlFD = 3

// The kinds of events, and the service's words, a byte each. The service holds
// the same list in sandbox/gvisor/launch_linux.go.
const (
	kindStarted    = "started"    // Python runs or has been restored
	kindError      = "error"      // it does not; Message says why
	kindMemory     = "memory"     // stopped for its memory; waits to be killed
	kindExited     = "exited"     // Python ended; Status is its exit status
	kindCheckpoint = "checkpoint" // it has been written, or Message says why not
	kindUsage      = "usage"      // Bytes of memory are in use
	kindCPU        = "cpu"        // Nanoseconds of CPU time were taken so far, or Message says why that is not known
	wordCheckpoint = 'c'          // from the service: write a checkpoint now
	wordUsage      = 'u'          // from the service: how much memory is in use?
	wordCPU        = 'p'          // from the service: how much CPU time was taken?
)

type event struct {
	Kind        string `json:"kind"`
	Message     string `json:"message,omitempty"`
	Bytes       int64  `json:"bytes,omitempty"`
	Nanoseconds int64  `json:"nanoseconds,omitempty"`
	Status      int    `json:"status,omitempty"`
}

type control struct {
	file *os.File   // controlFD itself, kept open to hand on
	mu   sync.Mutex // protects the writing end
	conn net.Conn
}

// openControl must be called after controlFD was made close-on-exec.
func openControl() *control {
	f := os.NewFile(controlFD, "control")
	conn, err := net.FileConn(f)
	if err != nil {
		_, _ = os.Stderr.WriteString("mark-sandbox is started by the mark service, not by hand\n")
		os.Exit(2)
	}
	return &control{file: f, conn: conn}
}

// maxMessage is how much of a message is told: gVisor's errors can hold the stacks of
// all its goroutines, and the service reads lines of 64 KiB.
const maxMessage = 2 << 10

func (c *control) send(e event) {
	if len(e.Message) > maxMessage {
		e.Message = strings.ToValidUTF8(e.Message[:maxMessage], "")
	}
	b, err := json.Marshal(e)
	if err != nil {
		panic(err) // strings and numbers
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	_, _ = c.conn.Write(append(b, '\n')) // a service that is gone ends us by the reading end
}

// listen calls word for every byte from the service and ends the process when
// the service's end is closed. Where this process is the first of its PID
// namespace or that one's child, all others end with it.
func (c *control) listen(word func(byte)) {
	buf := make([]byte, 1)
	for {
		if _, err := c.conn.Read(buf); err != nil {
			os.Exit(0)
		}
		word(buf[0])
	}
}
