package agent

import (
	"context"
	"io"
	"log/slog"
	"sync"
	"time"

	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/eventlog"
	"github.com/mark-analyst/mark/internal/clock"
	"github.com/mark-analyst/mark/internal/dialogue"
	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/internal/tokens"
	"github.com/mark-analyst/mark/warehouse"
)

// LLM is a language model that streams its replies. Its errors are
// *dialogue.Error.
type LLM interface {
	Stream(ctx context.Context, req dialogue.Request, emit func(dialogue.Delta) error) (dialogue.Reply, error)
}

// Model is an LLM under the name that people choose it by.
type Model struct {
	Name    string
	Offline bool // the scripted analyst, not a language model
	LLM     LLM
	// ContextTokens is how many tokens of prompt and reply together the model
	// takes; 0 where that is not known.
	ContextTokens int
	// ReplyTokens is the most that a reply may have; 0: by the context.
	ReplyTokens int
	Prices      dialogue.Prices
}

// Sandbox keeps isolated Python sessions under keys. Its errors are
// *execution.Error.
type Sandbox interface {
	// Open returns the session of a key, and says where its variables come
	// from. Closing the session gives it back.
	Open(ctx context.Context, key string, spec execution.Spec) (execution.Session, execution.Origin, error)
	// Rewind ends the session of a key and has the next one begin with the
	// variables as they were at a point (execution.Host); "" is before the first
	// step. execution.ErrNoPoint is in the error where they are not kept: then
	// nothing has changed.
	Rewind(ctx context.Context, key, point string) error
	// Fork has the first session of a key begin with the variables of another's
	// at a point; "" is as they are. Its errors are those of Rewind.
	Fork(ctx context.Context, from, point, to string) error
	// Erase leaves nothing of the session of a key.
	Erase(ctx context.Context, key string) error
}

// Blobs keeps files.
type Blobs interface {
	// Path gives the file of a key a path on this machine, good until release.
	Path(ctx context.Context, key string) (path string, release func(), err error)
	// Save stores what r yields, at most limit bytes, under a new key.
	Save(ctx context.Context, r io.Reader, limit int64) (key string, size int64, err error)
	// Delete removes a file; one that is not there is no error.
	Delete(ctx context.Context, key string) error
}

// Datasets waits until none of the datasets is being profiled any more.
type Datasets interface {
	Await(ctx context.Context, ids ...string) error
}

// Config is what an Agent is made of.
type Config struct {
	Client   *ent.Client // guarded: see package auth
	Log      *eventlog.Log
	Queue    Queue
	Titles   TitleQueue // nil: chats are called by their first question
	Node     string     // this process, as others see it beside its runs
	Models   []Model    // at least one; the first is the default
	Sandbox  Sandbox
	Blobs    Blobs
	Datasets Datasets
	// AsOwner gives a context the rights of a person.
	AsOwner func(ctx context.Context, userID string) context.Context
	Tokens  tokens.Counter // of prompts, with the same texts again and again: see tokens.Share
	Clock   clock.Clock
	Logger  *slog.Logger
	Limits  Limits
	// Warehouses are what run_sql and mark.query ask. Where there is neither one of
	// them nor OpenFileSQL there is no run_sql.
	Warehouses []warehouse.Warehouse
	// OpenFileSQL opens SQL over the files of a chat, the connection FilesConnection;
	// nil: there is none.
	OpenFileSQL func(FileSQL) (warehouse.Warehouse, error)
	// ReviewCode has each program wait for a person's approval, whether the
	// question asks for that or not.
	ReviewCode bool
}

// Limits bound a run.
type Limits struct {
	Steps              int           // turns of the model in a run
	RunTime            time.Duration // wall time of a run
	QuestionCharacters int           // of a question
	ResultCharacters   int           // of a tool's result, as the model sees it
	Repairs            int           // replies in a row that could not be used
	ConcurrentRuns     int           // on this node
	RunsPerOwner       int           // of one person, at once
	Claims             int           // of a run whose nodes were lost one after the other
	DatasetsPerChat    int
	ArtifactBytes      int64 // one artifact
	InlineBytes        int   // charts, tables and values of a run, as JSON
	Python             execution.Limits
	HistoryTokens      int // of the prompt, for what was said before, with its summary
	PerRun             Budget
	PerDay             Budget // of one person
}

// DefaultLimits are the bounds of a run where the configuration says nothing.
// Steps and the forced answer at the end follow smolagents' CodeAgent.
func DefaultLimits() Limits {
	return Limits{
		Steps:              20,
		RunTime:            10 * time.Minute,
		QuestionCharacters: 20_000,
		ResultCharacters:   8_000,
		Repairs:            3,
		ConcurrentRuns:     4,
		RunsPerOwner:       3,
		Claims:             4,
		DatasetsPerChat:    50,
		ArtifactBytes:      32 << 20,
		InlineBytes:        16 << 20,
		Python: execution.Limits{
			StepTime:    time.Minute,
			MemoryBytes: 2 << 30,
		},
		HistoryTokens: 16_000,
		PerRun:        Budget{Tokens: 2_000_000, CostMicros: 5_000_000, Python: 10 * time.Minute, OutputBytes: 512 << 20},
		PerDay:        Budget{CostMicros: 50_000_000},
	}
}

// Agent answers questions.
type Agent struct {
	Config
	tools   *toolbox
	prompts *prompts

	held    held
	begun   begun
	swept   chan struct{}   // the sweeper is to look at once
	closing context.Context //nolint:containedctx // of the goroutines that Start begins
	close   context.CancelFunc
	done    sync.WaitGroup // those goroutines
}

// New returns an Agent that does what it is asked through Work. Start has it
// look for what else there is to do; Close ends it.
func New(c Config) (*Agent, error) {
	tools, err := newToolbox(len(c.Warehouses) > 0, c.OpenFileSQL != nil)
	if err != nil {
		return nil, err
	}
	prompts, err := newPrompts(tools, len(c.Warehouses) > 0, c.OpenFileSQL != nil)
	if err != nil {
		return nil, err
	}
	a := &Agent{Config: c, tools: tools, prompts: prompts, swept: make(chan struct{}, 1)}
	a.closing, a.close = context.WithCancel(context.Background())
	return a, nil
}

// HandOver ends the work on runs where it is, so that another node, or the next
// start, goes on from the last step that was completed. It returns when nothing
// is worked on any more or ctx has ended. Nothing may call Work any more.
func (a *Agent) HandOver(ctx context.Context) error {
	a.held.handOver()
	done := make(chan struct{})
	go func() {
		a.held.wg.Wait()
		close(done)
	}()
	select {
	case <-done:
		return nil
	case <-ctx.Done():
		return context.Cause(ctx)
	}
}

// Close hands over and ends. Closing twice is harmless.
func (a *Agent) Close(ctx context.Context) error {
	err := a.HandOver(ctx)
	a.close()
	a.done.Wait()
	return err
}

// model finds a model by its name; "" is the default.
func (a *Agent) model(name string) (Model, bool) {
	if name == "" {
		return a.Models[0], true
	}
	for _, m := range a.Models {
		if m.Name == name {
			return m, true
		}
	}
	return Model{}, false
}
