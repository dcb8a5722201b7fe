package main

import (
	"bufio"
	"net"
	"strings"
	"testing"
)

// A message of any length is one line that the service can read.
func TestLongMessagesAreCut(t *testing.T) {
	service, launcher := net.Pipe()
	c := &control{conn: launcher}
	go func() {
		defer launcher.Close()
		c.send(event{Kind: kindCheckpoint, Message: strings.Repeat("stack\n", 1<<20)})
	}()
	lines := bufio.NewScanner(service)
	if !lines.Scan() || !strings.Contains(lines.Text(), "stack") {
		t.Errorf("the service read %q: %v", lines.Text(), lines.Err())
	}
	if err := service.Close(); err != nil {
		t.Error(err)
	}
}
