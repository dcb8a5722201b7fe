package daytona

import (
	"context"
	"crypto/rand"
	_ "embed" // the relay
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"net/url"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"time"

	sdk "github.com/daytonaio/daytona/libs/sdk-go/pkg/daytona"
	"github.com/daytonaio/daytona/libs/sdk-go/pkg/types"

	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/sandbox"
)

// Name is what Isolation calls this provider.
const Name = "daytona"

// DefaultAPIURL is Daytona's own service.
const DefaultAPIURL = "https://app.daytona.io/api"

// What a zero field of Config means.
const (
	DefaultSessions   = 16
	DefaultAutoStop   = 15 * time.Minute
	DefaultAutoDelete = time.Hour
	DefaultOpenTime   = 3 * time.Minute
	DefaultPatience   = 30 * time.Second
	DefaultGrace      = 5 * time.Second
	DefaultSweep      = 5 * time.Minute
	DefaultIdle       = time.Minute
)

// firstTime bounds the first question to Daytona, which the service's start waits
// for.
const firstTime = 10 * time.Second

// DefaultLimits returns what a zero field of a session's Limits means here. The
// working folder has no bound of its own: it ends with the sandbox's disk.
func DefaultLimits() execution.Limits {
	return execution.Limits{
		StepTime:       60 * time.Second,
		MemoryBytes:    2 << 30,
		Processes:      64,
		OutputBytes:    1 << 20,
		Outputs:        30,
		ArtifactBytes:  32 << 20,
		ArtifactsBytes: 64 << 20,
		Artifacts:      20,
	}
}

// DefaultProbe returns the addresses that a session tries before its first step
// to learn whether its network is blocked: two name servers known to all, one by
// IPv6, and where clouds keep the credentials of their machines.
func DefaultProbe() []string {
	return []string{"1.1.1.1:443", "8.8.8.8:53", "[2606:4700:4700::1111]:443", "169.254.169.254:80"}
}

// Config says which Daytona, which image, and how much a session may use.
type Config struct {
	APIKey   string
	APIURL   string // "": DefaultAPIURL
	Target   string // region; "": the organisation's default
	Snapshot string // what sandboxes are made from: this,
	Image    string // or this image; both empty: Daytona's default snapshot
	// Dir keeps this service's name among those that share an account, and the
	// artifacts of live sessions; made if needed, of one service at a time.
	Dir string

	Limits   execution.Limits // zero fields: DefaultLimits
	Sessions int              // at once; further ones wait; 0: DefaultSessions
	Pool     int              // sandboxes kept ready for new sessions; they cost like used ones

	// AllowNetwork opens sessions although their network turns out not to be
	// blocked. The block is asked for in any case.
	AllowNetwork bool
	Probe        []string // host:port; nil: DefaultProbe
	Resolve      string   // a name to look up; "": none

	AutoStop   time.Duration // idle until Daytona stops a sandbox, whole minutes
	AutoDelete time.Duration // stopped until Daytona deletes it, whole minutes
	OpenTime   time.Duration // for opening a session, all in all
	Patience   time.Duration // for repeating a call that failed
	Grace      time.Duration // for an interrupted step to end
	Sweep      time.Duration // between two searches for orphans
	Idle       time.Duration // after which a sandbox is asked whether it still runs

	// Root is put before all paths in the sandbox of the given id: for a
	// stand-in whose sandboxes share one file system. nil: "".
	Root   func(id string) string
	Logger *slog.Logger // nil: slog.Default
}

// Provider opens sessions in sandboxes of Daytona. It is safe for concurrent use.
type Provider struct {
	config  Config
	control *control
	node    string // names this service in its sandboxes' labels
	kernel  archive
	slots   chan struct{} // holds one element for each live session
	refused *execution.Error

	ctx        context.Context //nolint:containedctx // of the background work, which Close ends
	cancel     context.CancelFunc
	background sync.WaitGroup
	refill     chan struct{} // wakes who fills the pool
	doubts     chan struct{} // a sandbox may appear that nobody knows

	mu       sync.Mutex
	live     map[string]bool   // guarded by mu; names of sandboxes that are in use or being made or removed
	sessions map[*session]bool // guarded by mu; nil after Close
	pool     []*box            // guarded by mu
	network  network           // guarded by mu; as last seen from inside
	trouble  *execution.Error  // guarded by mu; why the last Open failed, if it did
}

var _ sandbox.Provider = (*Provider)(nil)

// New returns a provider. It asks Daytona for what a former service left behind
// and has it deleted. Where Daytona refuses the key, the provider refuses every
// Open and Isolation says why; where Daytona cannot be reached now, sessions are
// tried all the same. An error is a configuration that cannot work, or ctx's end.
func New(ctx context.Context, config Config) (*Provider, error) {
	if err := config.complete(); err != nil {
		return nil, err
	}
	if err := removeFormer(config.Dir); err != nil {
		return nil, err
	}
	node, err := nodeName(config.Dir)
	if err != nil {
		return nil, err
	}
	client, err := sdk.NewClientWithConfig(&types.DaytonaConfig{APIKey: config.APIKey, APIUrl: config.APIURL, Target: config.Target})
	if err != nil {
		return nil, fmt.Errorf("daytona: %w", err)
	}
	kernel, err := packKernel()
	if err != nil {
		return nil, err
	}
	p := &Provider{
		config: config, node: node, kernel: kernel,
		control: &control{client: client, patience: config.Patience, logger: config.Logger, words: words{config: config}},
		slots:   make(chan struct{}, config.Sessions), refill: make(chan struct{}, 1), doubts: make(chan struct{}, 1),
		live: map[string]bool{}, sessions: map[*session]bool{},
	}
	p.ctx, p.cancel = context.WithCancel(context.WithoutCancel(ctx))
	first, cancel := context.WithTimeout(ctx, firstTime)
	defer cancel()
	if err := p.sweep(first); err != nil {
		if ctx.Err() != nil {
			p.cancel()
			return nil, ctx.Err()
		}
		failure := p.control.words.failure("look for what a former service left behind", err)
		p.config.Logger.WarnContext(ctx, "Daytona does not answer as it should", "error", failure)
		p.trouble = failure
		if isRefusal(err) {
			p.refused = failure
			return p, nil
		}
	}
	p.background.Go(p.sweepOften)
	if config.Pool > 0 {
		p.background.Go(p.fillPool)
	}
	return p, nil
}

// complete fills in the defaults and refuses what cannot work.
func (c *Config) complete() error {
	fill(&c.Sessions, DefaultSessions)
	fill(&c.AutoStop, DefaultAutoStop)
	fill(&c.AutoDelete, DefaultAutoDelete)
	fill(&c.OpenTime, DefaultOpenTime)
	fill(&c.Patience, DefaultPatience)
	fill(&c.Grace, DefaultGrace)
	fill(&c.Sweep, DefaultSweep)
	fill(&c.Idle, DefaultIdle)
	c.Limits = c.Limits.Or(DefaultLimits())
	if c.APIURL == "" {
		c.APIURL = DefaultAPIURL
	}
	if c.Probe == nil {
		c.Probe = DefaultProbe()
	}
	if c.Root == nil {
		c.Root = func(string) string { return "" }
	}
	if c.Logger == nil {
		c.Logger = slog.Default()
	}
	u, err := url.Parse(c.APIURL)
	switch {
	case err != nil || u.Host == "" || u.Scheme != "http" && u.Scheme != "https":
		return errors.New("daytona: the API's address is none like " + DefaultAPIURL)
	case c.APIKey == "":
		return errors.New("daytona: there is no API key")
	case c.Snapshot != "" && c.Image != "":
		return errors.New("daytona: a snapshot and an image are given; sandboxes are made from one of them")
	case strings.ContainsAny(c.Image, "\r\n"):
		return errors.New("daytona: the image's name is more than one line")
	case c.Pool < 0 || c.Pool > c.Sessions:
		return fmt.Errorf("daytona: a pool of %d does not fit %d sessions", c.Pool, c.Sessions)
	case c.AutoStop < time.Minute || c.AutoDelete < time.Minute:
		return errors.New("daytona: sandboxes stop and are deleted after a minute at least")
	}
	return os.MkdirAll(c.Dir, 0o700)
}

// sessionPrefix begins the names of the folders of sessions' artifacts.
const sessionPrefix = "session-"

// removeFormer removes the folders of sessions that a service which was killed has
// left.
func removeFormer(dir string) error {
	entries, err := os.ReadDir(dir)
	for _, entry := range entries {
		if strings.HasPrefix(entry.Name(), sessionPrefix) {
			err = errors.Join(err, os.RemoveAll(filepath.Join(dir, entry.Name())))
		}
	}
	if err != nil {
		return fmt.Errorf("daytona: remove what a former service left: %w", err)
	}
	return nil
}

// nodeName returns the name of this service, which it keeps in its folder:
// sandboxes with that name which it does not know are orphans of its own.
func nodeName(dir string) (string, error) {
	path := filepath.Join(dir, "node")
	kept, err := os.ReadFile(path)
	if name := strings.TrimSpace(string(kept)); err == nil && name != "" {
		return name, nil
	}
	if err != nil && !errors.Is(err, os.ErrNotExist) {
		return "", fmt.Errorf("daytona: the name of this service: %w", err)
	}
	name := randomName(6)
	if err := os.WriteFile(path, []byte(name+"\n"), 0o600); err != nil {
		return "", fmt.Errorf("daytona: keep the name of this service: %w", err)
	}
	return name, nil
}

// randomName returns so many random bytes in hexadecimal.
func randomName(bytes int) string {
	b := make([]byte, bytes)
	rand.Read(b) // never fails, says its documentation
	return hex.EncodeToString(b)
}

// Isolation implements sandbox.Provider.
func (p *Provider) Isolation() execution.Isolation {
	p.mu.Lock()
	defer p.mu.Unlock()
	switch {
	case p.refused != nil:
		return execution.Isolation{Provider: Name, Detail: p.refused.Message}
	case p.trouble != nil:
		return execution.Isolation{Provider: Name, Detail: p.trouble.Message}
	}
	return execution.Isolation{Provider: Name, Ready: true, Detail: p.control.words.detail(p.network)}
}

// Close implements sandbox.Provider: it deletes all sandboxes of this service.
func (p *Provider) Close() error {
	p.mu.Lock()
	sessions, pool := p.sessions, p.pool
	p.sessions, p.pool = nil, nil
	p.mu.Unlock()
	if sessions == nil {
		return nil
	}
	p.cancel()
	var ending sync.WaitGroup
	errs := make(chan error, len(sessions))
	for s := range sessions {
		ending.Go(func() { errs <- s.Close() })
	}
	for _, b := range pool {
		ending.Go(func() { b.end(context.Background()) })
	}
	ending.Wait()
	close(errs)
	p.background.Wait()
	var all []error
	for err := range errs {
		all = append(all, err)
	}
	if p.refused == nil {
		// What was doubtful, and what is only just appearing.
		ctx, cancel := context.WithTimeout(context.Background(), p.config.Patience)
		defer cancel()
		all = append(all, p.sweep(ctx))
	}
	return errors.Join(all...)
}

func fill[T int | int64 | time.Duration](value *T, fallback T) {
	if *value <= 0 {
		*value = fallback
	}
}
