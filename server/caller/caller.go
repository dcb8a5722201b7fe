// Package caller carries what the server knows about who is asking: the
// request's id, the address it came from and when its token expires.
package caller

import (
	"context"
	"net/netip"
	"time"
)

// Info describes one HTTP request or one operation on a socket.
type Info struct {
	// RequestID is what a person quotes when something went wrong, and what
	// finds it in the log. Each operation on a socket has its own.
	RequestID string
	// Address is the client's, as far as it can be trusted.
	Address netip.Addr
	// Transport is "http", "sse", "multipart" or "websocket".
	Transport string
	// Viewer is a stable key of the signed-in person, or "" for nobody.
	Viewer string
	// Expires is when the token that Viewer was read from ends, or zero.
	Expires time.Time
}

type key struct{}

// With returns a context that carries info.
func With(ctx context.Context, info Info) context.Context {
	return context.WithValue(ctx, key{}, info)
}

// From returns what ctx carries, or the zero Info.
func From(ctx context.Context) Info {
	info, _ := ctx.Value(key{}).(Info)
	return info
}

// Key is what limits count by: the viewer where there is one, since many
// people share an address, and the address otherwise. An IPv6 customer has a
// /64 to choose addresses from, so that prefix is the key.
func (i Info) Key() string {
	if i.Viewer != "" {
		return "viewer " + i.Viewer
	}
	return i.AddressKey()
}

// AddressKey is the key of the address alone.
func (i Info) AddressKey() string {
	a := i.Address.Unmap()
	if a.Is6() {
		if p, err := a.WithZone("").Prefix(64); err == nil {
			return "address " + p.String()
		}
	}
	return "address " + a.String()
}
