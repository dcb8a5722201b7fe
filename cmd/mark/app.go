package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"time"

	"github.com/mark-analyst/mark/agent"
	"github.com/mark-analyst/mark/auth"
	"github.com/mark-analyst/mark/chatfeed"
	"github.com/mark-analyst/mark/datasets"
	"github.com/mark-analyst/mark/dispatch"
	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/eventlog"
	"github.com/mark-analyst/mark/files"
	"github.com/mark-analyst/mark/graph"
	"github.com/mark-analyst/mark/internal/clock"
	"github.com/mark-analyst/mark/internal/datadir"
	"github.com/mark-analyst/mark/internal/tokens"
	"github.com/mark-analyst/mark/migrations"
	"github.com/mark-analyst/mark/resolvers"
	"github.com/mark-analyst/mark/sandbox"
	"github.com/mark-analyst/mark/server"
	"github.com/mark-analyst/mark/server/caller"
	"github.com/mark-analyst/mark/store"
	"github.com/mark-analyst/mark/warehouse"
	"github.com/mark-analyst/mark/web"
)

// linkLifetime is how long a link to an artifact is good: long enough to click
// it, short enough to be worthless in a log.
const linkLifetime = 15 * time.Minute

// App is the whole service, wired: what `mark serve` runs and what the
// end-to-end tests run.
type App struct {
	config  Config
	parts   Parts
	logger  *slog.Logger
	server  *server.Server
	jobs    *jobs
	closers []func(context.Context) error // in the order of opening
}

// Parts are what tests put in the place of the real thing; nil means the real
// thing.
type Parts struct {
	Sandbox    sandbox.Provider
	Models     []agent.Model
	Warehouses []warehouse.Warehouse
	Clock      clock.Clock
	Tokens     tokens.Counter
}

// NewApp opens everything that the service needs. Progress is told of what takes
// long. On an error everything that was opened is closed again.
func NewApp(ctx context.Context, c Config, logger *slog.Logger, progress func(string), parts Parts) (_ *App, err error) {
	if err := c.check(); err != nil {
		return nil, err
	}
	logger = logger.With("node", c.Node)
	a := &App{config: c, logger: logger}
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Close(context.WithoutCancel(ctx)))
		}
	}()
	if parts.Clock == nil {
		parts.Clock = clock.System{}
	}
	if err := os.MkdirAll(c.DataDir, 0o755); err != nil {
		return nil, fmt.Errorf("make the data folder (MARK_DATA_DIR): %w", err)
	}
	if err := a.lockDataDir(); err != nil {
		return nil, err
	}
	db, err := a.openDatabase(ctx)
	if err != nil {
		return nil, err
	}
	log, err := eventlog.New(eventlog.Config{
		Client: db.Client, Dialect: db.Dialect, PostgresURL: c.DatabaseURL, Clock: parts.Clock, Logger: logger,
	})
	if err != nil {
		return nil, err
	}
	a.onClose(log)
	feed, err := chatfeed.New(chatfeed.Config{Client: db.Client, Dialect: db.Dialect, PostgresURL: c.DatabaseURL, Logger: logger})
	if err != nil {
		return nil, err
	}
	a.onClose(feed)
	blobs, err := c.openFiles(ctx, parts.Clock)
	if err != nil {
		return nil, err
	}
	a.onClose(blobs)
	if parts.Tokens == nil {
		parts.Tokens = tokens.Share(tokens.New())
	}
	if parts.Models == nil {
		models, closeModels, err := openModels(c, parts.Tokens, parts.Clock, logger)
		if err != nil {
			return nil, err
		}
		a.closers = append(a.closers, closeModels)
		parts.Models = models
	}
	if parts.Warehouses == nil {
		if parts.Warehouses, err = openWarehouses(ctx, c); err != nil {
			return nil, err
		}
	}
	a.closers = append(a.closers, func(context.Context) error { return closeWarehouses(parts.Warehouses) })
	if parts.Sandbox == nil { // last: making it for the first time takes minutes
		if parts.Sandbox, err = openSandbox(ctx, c, logger, progress); err != nil {
			return nil, err
		}
	}
	a.onClose(parts.Sandbox)
	return a, a.serveWith(ctx, db, log, feed, blobs, parts)
}

// lockDataDir makes sure that no other Mark works in the data folder.
func (a *App) lockDataDir() error {
	release, err := datadir.Lock(filepath.Join(a.config.DataDir, datadir.LockFile))
	if errors.Is(err, datadir.ErrBusy) {
		return fmt.Errorf("%w %s: end it, or set MARK_DATA_DIR", datadir.ErrBusy, a.config.DataDir)
	}
	if err != nil {
		return fmt.Errorf("%w (MARK_DATA_DIR)", err)
	}
	a.closers = append(a.closers, func(context.Context) error { return release() })
	return nil
}

// openDatabase opens the database with everybody's rows hidden from everybody
// else, and brings its tables up to date.
func (a *App) openDatabase(ctx context.Context) (*store.Store, error) {
	db, err := store.Open(ctx, store.Config{URL: a.config.DatabaseURL, DataDir: a.config.DataDir, Guard: auth.Guard})
	if err != nil {
		return nil, err
	}
	a.onClose(db)
	if err := migrations.Up(ctx, db.DB, db.Dialect); err != nil {
		return nil, fmt.Errorf("bring the database up to date: %w", err)
	}
	return db, nil
}

// serveWith makes the services and the server over them.
func (a *App) serveWith(ctx context.Context, db *store.Store, log *eventlog.Log, feed *chatfeed.Feed, blobs *files.Store, parts Parts) error {
	c := a.config
	keys, err := auth.LoadKeys(c.DataDir, c.JWTSecret)
	if err != nil {
		return err
	}
	people, err := auth.New(auth.Config{
		Client: db.Client, Keys: keys, Clock: parts.Clock,
		Address: func(ctx context.Context) string { return caller.From(ctx).AddressKey() },
	})
	if err != nil {
		return err
	}
	if _, err := people.Sweep(ctx); err != nil {
		return fmt.Errorf("remove ended sessions: %w", err)
	}
	work := newJobs(c, a.logger)
	a.jobs = work
	data, err := datasets.New(datasets.Config{
		Client: db.Client, Dialect: db.Dialect, Files: blobs, Sandbox: parts.Sandbox, Warehouses: parts.Warehouses, Clock: parts.Clock, Logger: a.logger,
		Queue: work.profiles, Background: work.profiles.With(dispatch.Options{Priority: 3}),
		Limits: datasets.Limits{UploadBytes: c.Limits.UploadBytes, Profiles: profilesAtOnce},
	})
	if err != nil {
		return err
	}
	a.parts = parts
	sessions, err := keepSessions(c, parts.Sandbox, blobs, parts.Clock, a.logger)
	if err != nil {
		return err
	}
	a.closers = append(a.closers, sessions.Close)
	limits := agentLimits(c)
	var titles agent.TitleQueue
	if c.Titles {
		titles = work.titles
	}
	analyst, err := agent.New(agent.Config{
		Client: db.Client, Log: log, Models: parts.Models, Sandbox: sessions,
		Blobs: blobStore{blobs}, Datasets: data, Warehouses: parts.Warehouses, OpenFileSQL: openFileSQL(c, parts.Clock),
		AsOwner: func(ctx context.Context, userID string) context.Context {
			return auth.WithViewer(ctx, auth.Viewer{UserID: userID})
		},
		Queue: work.runs, Titles: titles, Node: c.Node, Tokens: parts.Tokens,
		Clock: parts.Clock, Logger: a.logger, Limits: limits, ReviewCode: c.ReviewCode,
	})
	if err != nil {
		return err
	}
	if err := log.Restarted(ctx); err != nil {
		return err
	}
	work.handle(workers{analyst, data, people, log, parts.Clock, c.EventRetention})
	if err := work.Start(ctx); err != nil {
		return err
	}
	// From here on there is work, which must be given back also when the start fails.
	a.closers = append(a.closers, work.Close, analyst.Close, data.Close)
	data.Start()
	analyst.Start()
	// A Mark that is always ended before the first interval has passed would keep
	// all events for ever.
	if err := work.old.Enqueue(ctx, compaction{}); err != nil {
		a.logger.WarnContext(ctx, "old events are not removed before the next hour", "error", err)
	}
	if c.OperatorAddr != "" {
		if err := a.serveOperators(ctx, work); err != nil {
			return err
		}
	}
	signer, err := c.linkSigner(parts.Clock)
	if err != nil {
		return err
	}
	schema := graph.NewExecutableSchema(graph.Config{Resolvers: &resolvers.Resolver{
		Client: db.Client, Auth: people, Agent: analyst, Log: log, Feed: feed, Datasets: data, Logger: a.logger,
		Warehouses: parts.Warehouses,
		SignURL:    func(id, name string) string { return signer.SignURL(id, name, linkLifetime) },
		Info:       serverInfo(parts, limits, c.Limits.UploadBytes),
	}})
	serverLimits := server.DefaultLimits()
	serverLimits.UploadBytes = c.Limits.UploadBytes
	a.server = server.New(server.Config{
		Schema:     schema,
		Extensions: append(resolvers.Extensions(db.Client), endedSessions{db.Client, parts.Clock}),
		Authenticate: func(ctx context.Context, token string) (context.Context, time.Time, error) {
			viewer, expires, err := people.Authenticate(ctx, token)
			if err != nil {
				return nil, time.Time{}, err
			}
			return auth.WithViewer(ctx, viewer), expires, nil
		},
		Viewer: func(ctx context.Context) string {
			v, _ := auth.FromContext(ctx)
			return v.UserID
		},
		Limits: serverLimits, Logger: a.logger, Clock: parts.Clock,
		Playground:     web.Playground(web.PlaygroundConfig{}),
		Files:          &files.Handler{Store: blobs, Signer: signer, Lookup: findArtifact(db.Client), Logger: a.logger},
		Ready:          db.Ready,
		Explain:        explainOutage,
		AllowedOrigins: c.AllowedOrigins, TrustedProxies: c.TrustedProxies, Production: c.Production,
	})
	a.closers = append(a.closers, a.endRequests, func(ctx context.Context) error {
		a.server.Drain()
		return a.drain(ctx, work, analyst, data)
	})
	return nil
}

// Handler is the service over HTTP.
func (a *App) Handler() http.Handler { return a.server.Handler() }

// Serve answers on l until Close.
func (a *App) Serve(l net.Listener) error { return a.server.Serve(l) }

// Close ends the service, last opened first: no more runs, and those that go on
// end or are handed over, while their readers look on; then requests, then what
// they stand on. Closing twice is harmless.
func (a *App) Close(ctx context.Context) error {
	var errs []error
	for len(a.closers) > 0 {
		last := len(a.closers) - 1
		errs = append(errs, a.closers[last](ctx))
		a.closers = a.closers[:last]
	}
	return errors.Join(errs...)
}

// endRequests lets requests end, for a third of the time that there is, and cuts
// off the others: a client that has fallen silent in the middle of an upload must
// not use up the time in which runs store their end.
func (a *App) endRequests(ctx context.Context) error {
	limited, cancel := ctx, context.CancelFunc(func() {})
	if end, ok := ctx.Deadline(); ok {
		limited, cancel = context.WithTimeout(ctx, time.Until(end)/3)
	}
	defer cancel()
	err := a.server.Shutdown(limited)
	if errors.Is(err, context.DeadlineExceeded) && ctx.Err() == nil {
		a.logger.WarnContext(ctx, "requests that did not end in time were cut off")
		return nil
	}
	return err
}

func (a *App) onClose(c io.Closer) {
	a.closers = append(a.closers, func(context.Context) error { return c.Close() })
}

// findArtifact tells the download links what they lead to. The link is the
// permission, so it looks past whose artifact it is.
func findArtifact(client *ent.Client) files.Lookup {
	return func(ctx context.Context, id string) (files.Found, error) {
		found, err := client.Artifact.Get(auth.System(ctx, "follow a signed link"), id)
		if ent.IsNotFound(err) {
			return files.Found{}, files.ErrNotFound
		}
		if err != nil {
			return files.Found{}, err
		}
		return files.Found{Key: found.BlobKey, MIMEType: found.MimeType}, nil
	}
}

// blobStore is the file store as the agent wants it.
type blobStore struct{ files *files.Store }

func (b blobStore) Path(ctx context.Context, key string) (string, func(), error) {
	return b.files.LocalPath(ctx, key)
}

func (b blobStore) Save(ctx context.Context, r io.Reader, limit int64) (string, int64, error) {
	object, err := b.files.Put(ctx, "artifacts", r, limit)
	return object.Key, object.Size, err
}

func (b blobStore) Delete(ctx context.Context, key string) error { return b.files.Delete(ctx, key) }
