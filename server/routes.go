package server

import (
	"context"
	"net/http"
	"net/url"
	"slices"
	"strings"

	"github.com/go-chi/chi/v5"
	"github.com/gorilla/websocket"
	"github.com/rs/cors"

	"github.com/mark-analyst/mark/internal/fault"
	"github.com/mark-analyst/mark/server/caller"
)

func (s *Server) routes() http.Handler {
	r := chi.NewRouter()
	r.Use(s.describe, s.logAccess, s.recoverPanics, securityHeaders, s.cors().Handler)
	r.Handle("/graphql", s.refuseWhileDown(s.authenticate(http.HandlerFunc(s.serveGraphQL))))
	if s.cfg.Playground != nil {
		r.Handle("/graphiql", s.cfg.Playground)
		r.Handle("/graphiql/*", s.cfg.Playground)
		r.Get("/", http.RedirectHandler("/graphiql", http.StatusFound).ServeHTTP)
	}
	if s.cfg.Files != nil {
		r.Handle("/files/*", s.cfg.Files)
	}
	r.Get("/healthz", func(w http.ResponseWriter, _ *http.Request) { plain(w, http.StatusOK, "ok") })
	r.Get("/readyz", s.ready)
	r.NotFound(func(w http.ResponseWriter, _ *http.Request) { plain(w, http.StatusNotFound, "not found") })
	r.MethodNotAllowed(func(w http.ResponseWriter, _ *http.Request) {
		plain(w, http.StatusMethodNotAllowed, "method not allowed")
	})
	return r
}

func (s *Server) serveGraphQL(w http.ResponseWriter, r *http.Request) {
	if websocket.IsWebSocketUpgrade(r) {
		s.sockets.ServeHTTP(w, r)
		return
	}
	s.graphql.ServeHTTP(w, r)
}

// ready answers 503 when the server should get no more requests. The reason
// is for the log only; this address is open to everybody.
func (s *Server) ready(w http.ResponseWriter, r *http.Request) {
	select {
	case <-s.draining:
		plain(w, http.StatusServiceUnavailable, "shutting down")
		return
	default:
	}
	ctx, cancel := context.WithTimeout(r.Context(), s.cfg.Limits.ReadinessCheck)
	defer cancel()
	if err := s.cfg.Ready(ctx); err != nil {
		s.cfg.Logger.WarnContext(ctx, "not ready", "error", err)
		plain(w, http.StatusServiceUnavailable, "not ready")
		return
	}
	plain(w, http.StatusOK, "ready")
}

func plain(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.Header().Set("Cache-Control", "no-store")
	w.WriteHeader(status)
	_, _ = w.Write([]byte(text + "\n"))
}

// cors lets pages of the allowed origins use the API. No credentials: a token
// is sent by the page itself, so there is no cookie that could be abused.
func (s *Server) cors() *cors.Cors {
	origins := s.cfg.AllowedOrigins
	return cors.New(cors.Options{
		AllowOriginFunc: func(origin string) bool {
			return slices.Contains(origins, "*") || containsFold(origins, origin)
		},
		AllowedMethods: []string{http.MethodGet, http.MethodPost},
		AllowedHeaders: []string{
			"Accept", "Authorization", "Content-Type", "Apollo-Require-Preflight", "X-Apollo-Operation-Name",
		},
		ExposedHeaders: []string{headerRequestID, "Retry-After"},
		MaxAge:         600,
	})
}

// originAllowed tells whether a request may open a WebSocket: browsers do not
// ask beforehand there, but say whose page it is. What sends no Origin is no
// browser.
func (s *Server) originAllowed(r *http.Request) bool {
	origin := r.Header.Get("Origin")
	if origin == "" || slices.Contains(s.cfg.AllowedOrigins, "*") || containsFold(s.cfg.AllowedOrigins, origin) {
		return true
	}
	u, err := url.Parse(origin)
	return err == nil && u.Host != "" && strings.EqualFold(u.Host, r.Host)
}

func containsFold(list []string, s string) bool {
	return slices.ContainsFunc(list, func(x string) bool { return strings.EqualFold(x, s) })
}

// authenticate finds out who asks. A request without a token is nobody's; one
// with a token that is not valid is refused, so that a client notices.
func (s *Server) authenticate(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		who := caller.From(r.Context())
		who.Transport = "http"
		r = r.WithContext(caller.With(r.Context(), who))
		headers := r.Header.Values("Authorization")
		if len(headers) == 0 {
			next.ServeHTTP(w, r)
			return
		}
		scheme, token, _ := strings.Cut(headers[0], " ")
		token = strings.TrimSpace(token)
		if len(headers) > 1 || !strings.EqualFold(scheme, "bearer") || token == "" {
			s.graphql.Refuse(w, r, http.StatusUnauthorized,
				fault.New(fault.Unauthenticated, "Authorization must be Bearer and an access token."))
			return
		}
		ctx, err := s.identify(r.Context(), token)
		if err != nil {
			s.graphql.Refuse(w, r, statusOf(err), err)
			return
		}
		next.ServeHTTP(w, r.WithContext(ctx))
	})
}

func statusOf(err error) int {
	switch fault.CodeOf(err) {
	case fault.Unauthenticated:
		return http.StatusUnauthorized
	case fault.Forbidden:
		return http.StatusForbidden
	case fault.RateLimited:
		return http.StatusTooManyRequests
	case fault.Unavailable:
		return http.StatusServiceUnavailable
	}
	return http.StatusInternalServerError
}
