package cluster_test

import (
	"net"
	"testing"

	"github.com/mark-analyst/mark/test/cluster"
)

// What is found can be listened on, all of it at once.
func TestFreeAddrs(t *testing.T) {
	addrs, err := cluster.FreeAddrs(t.Context(), 200)
	if err != nil || len(addrs) != 200 {
		t.Fatal(addrs, err)
	}
	for _, addr := range addrs {
		l, err := net.Listen("tcp", addr)
		if err != nil {
			t.Fatal(err)
		}
		defer l.Close()
	}
}
