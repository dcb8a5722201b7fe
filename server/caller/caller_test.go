package caller_test

import (
	"context"
	"net/netip"
	"testing"

	"github.com/mark-analyst/mark/server/caller"
)

func TestKey(t *testing.T) {
	for _, c := range []struct{ address, viewer, want string }{
		{"192.0.2.7", "", "address 192.0.2.7"},
		{"::ffff:192.0.2.7", "", "address 192.0.2.7"},
		{"2001:db8:1:2:3:4:5:6", "", "address 2001:db8:1:2::/64"}, // one customer
		{"fe80::1%eth0", "", "address fe80::/64"},
		{"192.0.2.7", "usr_1", "viewer usr_1"},
	} {
		info := caller.Info{Address: netip.MustParseAddr(c.address), Viewer: c.viewer}
		if got := caller.From(caller.With(context.Background(), info)).Key(); got != c.want {
			t.Errorf("%s: got %q, want %q", c.address, got, c.want)
		}
	}
	if got := caller.From(context.Background()).Key(); got != "address invalid IP" {
		t.Errorf("nobody: got %q", got)
	}
}
