package daytona

import (
	"bytes"
	"context"
	_ "embed" // the relay
	"encoding/base64"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"net/http"
	"path"
	"slices"
	"strings"
	"sync/atomic"
	"time"

	sdk "github.com/daytonaio/daytona/libs/sdk-go/pkg/daytona"
	"github.com/daytonaio/daytona/libs/sdk-go/pkg/types"

	"github.com/mark-analyst/mark/sandbox/kernel"
)

//go:embed relay.py
var relaySource string

// The labels of this service's sandboxes.
const (
	labelManaged = "managed-by"
	labelNode    = "node"
	labelSession = "session"
	managedBy    = "mark"
)

// Bounds of the relay.
const (
	windowLines = 64       // that are on their way; Daytona drops whoever is 256 messages behind
	pieceBytes  = 24 << 10 // of the kernel's in one line
)

// setupTime bounds one of the calls that get a sandbox ready.
const setupTime = time.Minute

// removeTime bounds the deletion of a sandbox by its session; what it leaves is
// found by the next search for orphans.
const removeTime = 20 * time.Second

// network is what a session found that it can reach.
type network struct {
	known    bool
	Reached  []string `json:"reached"`
	Resolved bool     `json:"resolved"`
	Python   string   `json:"python"`
}

// folders are a sandbox's, as Python sees them.
type folders struct {
	work, input, temp, life string
}

// box is a sandbox with a context in which the relay runs: good for one session.
type box struct {
	provider *Provider
	name     string
	sandbox  *sdk.Sandbox
	context  string // id of the interpreter context
	folders  folders
	network  network
	contact  atomic.Int64 // when Daytona last heard of us, Unix nanoseconds
	ended    atomic.Bool
}

// newBox makes a sandbox and gets it ready for a session. With warm its kernel
// begins at once to import its libraries. Nothing stays of one that fails.
func (p *Provider) newBox(ctx context.Context, warm bool) (_ *box, err error) {
	b := &box{provider: p, name: fmt.Sprintf("mark-%s-%s", p.node, randomName(6))}
	p.mu.Lock()
	p.live[b.name] = true
	p.mu.Unlock()
	defer func() {
		if err != nil {
			p.background.Go(func() { b.end(p.ctx) })
		}
	}()
	made, err := p.control.create(ctx, b.name, p.params(b.name))
	if err != nil {
		return nil, err
	}
	if b.sandbox, err = p.control.awaitStarted(ctx, made); err != nil {
		return nil, err
	}
	if err := b.ready(ctx, warm); err != nil {
		return nil, err
	}
	return b, nil
}

// params is what a sandbox is made from.
func (p *Provider) params(name string) any {
	c := p.config
	stop, remove := int(c.AutoStop/time.Minute), int(c.AutoDelete/time.Minute)
	base := types.SandboxBaseParams{
		Name:               name,
		Labels:             map[string]string{labelManaged: managedBy, labelNode: p.node, labelSession: strings.TrimPrefix(name, "mark-")},
		NetworkBlockAll:    true,
		AutoStopInterval:   &stop,
		AutoDeleteInterval: &remove,
	}
	if c.Image == "" {
		// Daytona refuses resources beside a snapshot: they are the snapshot's.
		return types.SnapshotParams{SandboxBaseParams: base, Snapshot: c.Snapshot}
	}
	gigabytes := int((c.Limits.MemoryBytes + 1<<30 - 1) >> 30)
	return types.ImageParams{SandboxBaseParams: base, Image: c.Image, Resources: &types.Resources{Memory: gigabytes}}
}

// ready makes a context in a sandbox that runs and starts the relay and the kernel
// there; then it judges the network, before any code of a user's has run.
func (b *box) ready(ctx context.Context, warm bool) error {
	p := b.provider
	root := p.config.Root(b.sandbox.ID)
	life := path.Join(root, "/tmp/mark", randomName(6))
	b.folders = folders{
		work: path.Join(root, kernel.WorkDir), input: path.Join(root, kernel.InputDir),
		temp: path.Join(root, "/tmp"), life: life,
	}
	err := b.try(ctx, "make an interpreter context", func(ctx context.Context) error {
		made, err := b.sandbox.CodeInterpreter.CreateContext(ctx, nil)
		if err == nil {
			b.context, _ = made["id"].(string)
		}
		return err
	})
	if err != nil {
		return err
	}
	if b.context == "" {
		return errors.New("make an interpreter context: it has no id")
	}
	archive := path.Join(life, "kernel-"+p.kernel.hash[:16]+".zip")
	config, err := json.Marshal(map[string]any{
		"work": b.folders.work, "input": b.folders.input, "temp": b.folders.temp,
		"spool": path.Join(life, "in"), "parts": path.Join(life, "parts"), "stderr": path.Join(life, "stderr"),
		"kernel": archive, "hash": p.kernel.hash,
		"argv": kernel.Argv("", archive, warm)[1:], "env": kernel.Env(b.folders.temp),
		"window": windowLines, "probe": p.config.Probe, "resolve": p.config.Resolve, "patience": 3,
	})
	if err != nil {
		return err
	}
	// The probes of the network go on while the kernel is uploaded.
	prepare := fmt.Sprintf("%s\n_mark = _Relay(_json.loads(_b64.b64decode(%q)))\n_mark._say(_token, {})", relaySource, base64.StdEncoding.EncodeToString(config))
	if _, err := b.call(ctx, "prepare the sandbox", prepare); err != nil {
		return err
	}
	if err := b.upload(ctx, p.kernel.data, archive); err != nil {
		return err
	}
	told, err := b.call(ctx, "start the kernel", "_mark.start(_token)")
	if err != nil {
		return err
	}
	seen := network{known: true}
	if err := json.Unmarshal(told, &seen); err != nil {
		return fmt.Errorf("start the kernel: what it says of the network: %w", err)
	}
	// A forger could name any address; nothing of a user's has run, but still.
	seen.Reached = slices.DeleteFunc(seen.Reached, func(a string) bool { return !slices.Contains(p.config.Probe, a) })
	b.network = seen
	p.saw(seen)
	if len(seen.Reached) > 0 && !p.config.AllowNetwork {
		return p.control.words.open(seen.Reached)
	}
	return nil
}

// saw keeps what a session found of the network, for Isolation.
func (p *Provider) saw(seen network) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.network = seen
}

// call runs a short piece of code in the context and returns what it says, which
// proves that it ran to its end: code says it under _token.
func (b *box) call(ctx context.Context, what, code string) ([]byte, error) {
	token := randomName(16)
	code = fmt.Sprintf("_token = %q\n%s", token, code)
	var said []byte
	err := b.try(ctx, what, func(ctx context.Context) error {
		said = nil
		ended := b.run(ctx, code, setupTime, func(line string) verdict {
			if text, ok := strings.CutPrefix(line, "= ok "+token+" "); ok {
				said, _ = base64.StdEncoding.DecodeString(text)
				return last
			}
			return goOn
		})
		switch {
		case said != nil:
			return nil
		case ended.raised != "":
			return fmt.Errorf("%w: %s", errRaised, ended.raised)
		case ended.err != nil:
			return ended.err
		}
		return fmt.Errorf("the interpreter ended without a word (%s)", ended.stderr)
	})
	return said, err
}

// errRaised says that the relay's own code raised an exception.
var errRaised = errors.New("the sandbox's Python failed")

// try is control.try for calls of the sandbox itself: where they fail because it
// does not run any more, that is the error, at once.
func (b *box) try(ctx context.Context, what string, attempt func(ctx context.Context) error) error {
	return b.provider.control.try(ctx, what, func(ctx context.Context) error {
		err := attempt(ctx)
		if err == nil {
			b.contact.Store(time.Now().UnixNano())
			return nil
		}
		if ctx.Err() == nil && !errors.Is(err, errRaised) && !b.runs(ctx) {
			return errors.Join(errStopped, err)
		}
		return err
	})
}

// runs asks Daytona whether the sandbox runs; where that cannot be told, it does.
func (b *box) runs(ctx context.Context) bool {
	found, err := b.provider.control.client.Get(ctx, b.name)
	if err != nil {
		return !isMissing(err)
	}
	return string(found.State) == stateStarted
}

// upload writes a file in the sandbox. An upload that broke may be repeated.
func (b *box) upload(ctx context.Context, data []byte, to string) error {
	return b.try(ctx, "upload a file", func(ctx context.Context) error {
		return b.sandbox.FileSystem.UploadFile(ctx, bytes.Clone(data), to)
	})
}

// touch tells Daytona that the sandbox is in use.
func (b *box) touch(ctx context.Context) error {
	return b.try(ctx, "keep the sandbox awake", func(ctx context.Context) error {
		_, err := b.sandbox.CodeInterpreter.ListContexts(ctx)
		if status, _ := response(err); status == http.StatusOK {
			return nil // the SDK does not know all that newer sandboxes tell
		}
		return err
	})
}

// idle is how long ago Daytona last heard of us.
func (b *box) idle() time.Duration { return time.Since(time.Unix(0, b.contact.Load())) }

// dropContext ends what runs in the context: cancelling a Go context does not.
func (b *box) dropContext(ctx context.Context) {
	if b.sandbox == nil || b.context == "" {
		return
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	if err := b.sandbox.CodeInterpreter.DeleteContext(ctx, b.context); err != nil {
		b.provider.config.Logger.DebugContext(ctx, "a context could not be deleted", "sandbox", b.name, "error", err)
	}
}

// end deletes the sandbox, and leaves it to the search for orphans where that
// fails. Ending twice is harmless.
func (b *box) end(ctx context.Context) {
	if !b.ended.CompareAndSwap(false, true) {
		return
	}
	p := b.provider
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), removeTime)
	defer cancel()
	b.dropContext(ctx)
	if err := p.control.remove(ctx, b.name); err != nil {
		p.config.Logger.WarnContext(ctx, "a sandbox could not be deleted and is left to the search for orphans", "sandbox", b.name, "error", err)
	}
	p.mu.Lock()
	delete(p.live, b.name)
	p.mu.Unlock()
	if b.sandbox == nil {
		// Daytona may still be making it: then it has no name to be found by yet.
		p.doubt()
	}
}

// names returns the sandboxes that are no orphans.
func (p *Provider) names() map[string]bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return maps.Clone(p.live)
}
