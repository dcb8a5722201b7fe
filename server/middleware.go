package server

import (
	"bufio"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"regexp"
	"runtime/debug"
	"strings"
	"time"

	"github.com/go-chi/chi/v5"

	"github.com/mark-analyst/mark/internal/fault"
	"github.com/mark-analyst/mark/server/caller"
)

const headerRequestID = "X-Request-Id"

// requestIDs that a proxy may have made; anything else could break the log.
var requestIDs = regexp.MustCompile(`^[A-Za-z0-9._-]{1,64}$`)

// describe gives the request an id, finds out where it comes from, and limits
// the time for its body. The limit stands when the request is refused without
// reading it, since net/http waits for some of it before it answers.
func (s *Server) describe(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who := caller.Info{RequestID: s.cfg.NewRequestID()}
		if peer, err := netip.ParseAddrPort(r.RemoteAddr); err == nil {
			who.Address = peer.Addr().Unmap()
		}
		if s.trusted(who.Address) {
			if id := r.Header.Get(headerRequestID); requestIDs.MatchString(id) {
				who.RequestID = id
			}
			who.Address = s.forwarded(r, who.Address)
		}
		w.Header().Set(headerRequestID, who.RequestID)
		if r.ContentLength != 0 {
			_ = http.NewResponseController(w).SetReadDeadline(time.Now().Add(s.cfg.Limits.BodyTimeout))
		}
		next.ServeHTTP(w, r.WithContext(caller.With(r.Context(), who)))
	})
}

func (s *Server) trusted(a netip.Addr) bool {
	for _, p := range s.cfg.TrustedProxies {
		if p.Contains(a) {
			return true
		}
	}
	return false
}

// forwarded is the last address in X-Forwarded-For that is no trusted proxy's:
// what stands before it could have been written by the client.
func (s *Server) forwarded(r *http.Request, peer netip.Addr) netip.Addr {
	list := strings.Split(strings.Join(r.Header.Values("X-Forwarded-For"), ","), ",")
	for i := len(list) - 1; i >= 0; i-- {
		a, err := netip.ParseAddr(strings.TrimSpace(list[i]))
		if err != nil {
			return peer
		}
		if peer = a.Unmap(); !s.trusted(peer) {
			return peer
		}
	}
	return peer
}

// logAccess writes one line a request. It names the route and not the path,
// since links to files carry their permission in the address.
func (s *Server) logAccess(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		began := s.cfg.Clock.Now()
		rec := &recorder{ResponseWriter: w}
		defer func() {
			who := caller.From(r.Context())
			s.cfg.Logger.LogAttrs(r.Context(), slog.LevelInfo, "request",
				slog.String("request_id", who.RequestID),
				slog.String("address", who.Address.String()),
				slog.String("method", r.Method),
				slog.String("route", chi.RouteContext(r.Context()).RoutePattern()),
				slog.Int("status", rec.status),
				slog.Int64("bytes", rec.bytes),
				slog.Duration("took", s.cfg.Clock.Now().Sub(began)))
		}()
		next.ServeHTTP(rec, r)
	})
}

// recoverPanics turns a panic of a handler into INTERNAL. Resolvers' panics do
// not get here.
func (s *Server) recoverPanics(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		defer func() {
			v := recover()
			if v == nil {
				return
			}
			if v == http.ErrAbortHandler { //nolint:errorlint // net/http's way to cut a client off: this very value
				panic(v)
			}
			s.cfg.Logger.ErrorContext(r.Context(), "handler panicked",
				"request_id", caller.From(r.Context()).RequestID,
				"panic", fmt.Sprint(v), "stack", string(debug.Stack()))
			if rec, ok := w.(*recorder); ok && rec.status != 0 {
				panic(http.ErrAbortHandler) // half an answer must not look whole
			}
			s.graphql.Refuse(w, r, http.StatusInternalServerError, fault.New(fault.Internal, "a handler panicked"))
		}()
		next.ServeHTTP(w, r)
	})
}

// securityHeaders are those of answers that are data. Handlers that serve
// pages replace the policy by their own.
func securityHeaders(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		h := w.Header()
		h.Set("Content-Security-Policy", "default-src 'none'; frame-ancestors 'none'")
		h.Set("X-Content-Type-Options", "nosniff")
		h.Set("X-Frame-Options", "DENY")
		h.Set("Referrer-Policy", "no-referrer")
		h.Set("Cross-Origin-Opener-Policy", "same-origin")
		next.ServeHTTP(w, r)
	})
}

// recorder notes what is answered, and passes on what else a ResponseWriter
// may be able to do.
type recorder struct {
	http.ResponseWriter
	status int // 0 until the answer begins
	bytes  int64
}

func (r *recorder) WriteHeader(status int) {
	if r.status == 0 || r.status < http.StatusOK {
		r.status = status
	}
	r.ResponseWriter.WriteHeader(status)
}

func (r *recorder) Write(p []byte) (int, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	n, err := r.ResponseWriter.Write(p)
	r.bytes += int64(n)
	return n, err
}

// ReadFrom lets files be sent by the kernel.
func (r *recorder) ReadFrom(src io.Reader) (int64, error) {
	if r.status == 0 {
		r.status = http.StatusOK
	}
	n, err := io.Copy(r.ResponseWriter, src)
	r.bytes += n
	return n, err
}

// Unwrap serves http.ResponseController.
func (r *recorder) Unwrap() http.ResponseWriter { return r.ResponseWriter }

// Hijack serves the WebSocket library, which does not ask the controller.
func (r *recorder) Hijack() (net.Conn, *bufio.ReadWriter, error) {
	c, rw, err := http.NewResponseController(r.ResponseWriter).Hijack()
	if err == nil {
		r.status = http.StatusSwitchingProtocols
	}
	return c, rw, err
}
