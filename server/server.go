// Package server puts an executable schema on the network: GraphQL over HTTP,
// WebSocket and server-sent events, uploads, limits and errors, and the few
// addresses beside it.
package server

import (
	"context"
	"crypto/rand"
	"errors"
	"log/slog"
	"net"
	"net/http"
	"net/netip"
	"sync"
	"time"

	"github.com/99designs/gqlgen/graphql"

	"github.com/mark-analyst/mark/internal/clock"
	"github.com/mark-analyst/mark/internal/fault"
	"github.com/mark-analyst/mark/server/caller"
	"github.com/mark-analyst/mark/server/gqlhttp"
	"github.com/mark-analyst/mark/server/gqlws"
	"github.com/mark-analyst/mark/server/limit"
	"github.com/mark-analyst/mark/server/operation"
	"github.com/mark-analyst/mark/server/present"
	"github.com/mark-analyst/mark/server/upload"
)

// Config is what a Server is made of. Only Schema is required.
type Config struct {
	Schema graphql.ExecutableSchema
	// Extensions are gqlgen's: interceptors of fields and responses.
	Extensions []graphql.HandlerExtension
	// Authenticate returns a context for the owner of a bearer token and when
	// the token ends. Errors carry a fault code: UNAUTHENTICATED for a token
	// that is not valid, anything else for one that could not be checked.
	// Without Authenticate no token is valid.
	Authenticate func(ctx context.Context, bearerToken string) (context.Context, time.Time, error)
	// Viewer returns a stable key of the person in a context that Authenticate
	// has returned, for limits and the log.
	Viewer func(ctx context.Context) string
	Limits Limits // DefaultLimits where it is the zero value
	Logger *slog.Logger
	// Playground is served at /graphiql and below, Files below /files/. They
	// see the whole path, and may replace the security headers.
	Playground http.Handler
	Files      http.Handler
	// Ready tells why the server cannot work at the moment, or nil.
	Ready func(ctx context.Context) error
	// Explain says what people can be told of an error that is no fault, such as
	// a database that is away; nil: nothing.
	Explain func(err error) *fault.Error
	// AllowedOrigins are the origins, like https://mark.example, whose pages
	// may use the API beside the server's own; "*" stands for all.
	AllowedOrigins []string
	// TrustedProxies may say in X-Forwarded-For whom they speak for, and in
	// X-Request-Id which request it is.
	TrustedProxies []netip.Prefix
	// Production switches introspection and suggestions off.
	Production bool
	Clock      clock.Clock
	// NewRequestID makes ids that are unique and hard to guess.
	NewRequestID func() string
}

// Server serves a schema. Make one with New, and end it with Shutdown.
type Server struct {
	cfg     Config
	runner  *operation.Runner
	graphql *gqlhttp.Handler
	sockets *gqlws.Handler
	handler http.Handler
	http    *http.Server

	health    *health
	watching  sync.WaitGroup // health's goroutine
	draining  chan struct{}  // closed by Drain
	drainOnce sync.Once
	closing   chan struct{} // closed by Shutdown
	closeOnce sync.Once
}

// Bounds on every connection, before anything is known about its request.
const (
	headerTimeout = 10 * time.Second
	headerBytes   = 64 << 10
	idleTimeout   = 2 * time.Minute
)

// New returns a Server. It panics without a schema.
func New(cfg Config) *Server {
	if cfg.Schema == nil {
		panic("server: Config.Schema is nil")
	}
	cfg = withDefaults(cfg)
	s := &Server{cfg: cfg, draining: make(chan struct{}), closing: make(chan struct{})}
	l := cfg.Limits
	l.Document.Introspection = !cfg.Production
	s.health = newHealth(cfg.Ready, l)
	s.runner = &operation.Runner{
		Schema:        cfg.Schema,
		Extensions:    cfg.Extensions,
		Presenter:     &present.Presenter{Logger: cfg.Logger, Suggestions: !cfg.Production, Explain: cfg.Explain},
		Logger:        cfg.Logger,
		Clock:         cfg.Clock,
		Document:      l.Document,
		Cost:          limit.Cost{Max: l.Complexity, Page: l.PageSize},
		Persisted:     limit.NewPersisted(l.PersistedQueries, l.PersistedBytes),
		Viewers:       limit.NewLimiter(l.Viewer, cfg.Clock),
		Addresses:     limit.NewLimiter(l.Address, cfg.Clock),
		Subscriptions: limit.NewGate(l.Subscriptions, l.SubscriptionsTotal),
		Timeout:       l.Timeout,
	}
	s.runner.Init()
	s.graphql = &gqlhttp.Handler{
		Runner:       s.runner,
		BodyBytes:    l.BodyBytes,
		WriteTimeout: l.WriteTimeout,
		KeepAlive:    l.KeepAlive,
		Upload: upload.Config{
			FileBytes: l.UploadBytes, Files: l.UploadFiles, FieldBytes: l.BodyBytes, IdleTimeout: l.UploadIdle,
		},
		Closing: s.closing, Lost: s.health.lost,
	}
	s.sockets = gqlws.New(gqlws.Config{
		Runner:        s.runner,
		Logger:        cfg.Logger,
		Clock:         cfg.Clock,
		Authenticate:  s.identify,
		CheckOrigin:   s.originAllowed,
		NewRequestID:  cfg.NewRequestID,
		Refuse:        s.graphql.Refuse,
		Sockets:       limit.NewGate(l.Sockets, l.SocketsTotal),
		InitTimeout:   l.SocketInit,
		KeepAlive:     l.KeepAlive,
		SendTimeout:   l.SendTimeout,
		MessageBytes:  l.SocketMessage,
		Operations:    l.SocketOperations,
		QueueMessages: l.SocketQueue,
		QueueBytes:    l.SocketBytes,
	})
	s.handler = s.routes()
	s.watching.Go(func() {
		ctx, cancel := context.WithCancel(context.Background())
		defer cancel()
		go func() {
			<-s.closing
			cancel()
		}()
		s.health.watch(ctx, func() {
			cfg.Logger.Error("not able to work: streams are ended, and requests refused, until it is")
			s.sockets.CutOff()
		})
	})
	s.http = &http.Server{
		Handler:           s.handler,
		ReadHeaderTimeout: headerTimeout,
		IdleTimeout:       idleTimeout,
		MaxHeaderBytes:    headerBytes,
		ErrorLog:          slog.NewLogLogger(cfg.Logger.Handler(), slog.LevelWarn),
		// No ReadTimeout and no WriteTimeout: uploads and streams last. The
		// handlers set deadlines for each step instead.
	}
	return s
}

func withDefaults(cfg Config) Config {
	if cfg.Limits == (Limits{}) {
		cfg.Limits = DefaultLimits()
	}
	if cfg.Logger == nil {
		cfg.Logger = slog.New(slog.DiscardHandler)
	}
	if cfg.Clock == nil {
		cfg.Clock = clock.System{}
	}
	if cfg.NewRequestID == nil {
		cfg.NewRequestID = func() string { return "req_" + rand.Text() }
	}
	if cfg.Authenticate == nil {
		cfg.Authenticate = func(context.Context, string) (context.Context, time.Time, error) {
			return nil, time.Time{}, fault.New(fault.Unauthenticated, "The access token is not valid.")
		}
	}
	if cfg.Viewer == nil {
		cfg.Viewer = func(context.Context) string { return "" }
	}
	if cfg.Explain == nil {
		cfg.Explain = func(error) *fault.Error { return nil }
	}
	if cfg.Ready == nil {
		cfg.Ready = func(context.Context) error { return nil }
	}
	return cfg
}

// Handler serves everything. Whoever puts it into a server of their own must
// leave that server's ReadTimeout and WriteTimeout at zero.
func (s *Server) Handler() http.Handler { return s.handler }

// Serve accepts connections on l until Shutdown, and then returns nil.
func (s *Server) Serve(l net.Listener) error {
	if err := s.http.Serve(l); !errors.Is(err, http.ErrServerClosed) {
		return err
	}
	return nil
}

// Drain has the server say that it is not ready, so that a balancer sends new
// requests elsewhere, and go on answering. Calling it again is safe.
func (s *Server) Drain() { s.drainOnce.Do(func() { close(s.draining) }) }

// Shutdown takes no more connections, closes the sockets (1012), ends the
// event streams and waits for requests that are being answered. When ctx is
// done first it cuts off the rest and returns ctx's error. Calling it again is
// safe.
func (s *Server) Shutdown(ctx context.Context) error {
	s.Drain()
	s.closeOnce.Do(func() { close(s.closing) })
	failed := make(chan error, 1)
	go func() { failed <- s.sockets.Shutdown(ctx) }()
	s.watching.Wait()
	err := s.http.Shutdown(ctx)
	if err != nil {
		_ = s.http.Close()
	}
	return errors.Join(err, <-failed)
}

// identify returns a context for the owner of a token.
func (s *Server) identify(ctx context.Context, token string) (context.Context, error) {
	signedIn, expires, err := s.cfg.Authenticate(ctx, token)
	if err != nil {
		if _, known := fault.As(err); !known {
			if f := s.cfg.Explain(err); f != nil {
				return nil, f
			}
		}
		return nil, err
	}
	if !expires.IsZero() && !expires.After(s.cfg.Clock.Now()) {
		return nil, fault.New(fault.Unauthenticated, "The access token has expired.")
	}
	who := caller.From(ctx)
	who.Viewer, who.Expires = s.cfg.Viewer(signedIn), expires
	return caller.With(signedIn, who), nil
}
