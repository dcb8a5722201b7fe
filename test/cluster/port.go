package cluster

import (
	"context"
	"errors"
	"fmt"
	"math/rand/v2"
	"net"
)

// Ports below those that a system gives to whoever asks for any: 49152 and up, of
// Linux 32768 and up.
const (
	firstPort = 20_000
	manyPorts = 12_000
)

// FreeAddrs finds n addresses of this machine that nobody listens on, for programs
// that are told where to listen and start later. Whoever asks the system for any
// port meanwhile gets another one.
func FreeAddrs(ctx context.Context, n int) ([]string, error) {
	var addrs []string
	var failed []error
	for len(addrs) < n {
		addr := fmt.Sprintf("127.0.0.1:%d", firstPort+rand.IntN(manyPorts))
		l, err := (&net.ListenConfig{}).Listen(ctx, "tcp", addr)
		switch {
		case err == nil:
			defer l.Close() // only now, so that none is found twice
			addrs = append(addrs, addr)
		case len(failed) == 20:
			return nil, errors.Join(failed...)
		default:
			failed = append(failed, err)
		}
	}
	return addrs, nil
}
