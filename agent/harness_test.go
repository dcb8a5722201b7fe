package agent_test

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"io"
	"log/slog"
	"os"
	"path/filepath"
	"sync"
	"testing"
	"time"

	"github.com/mark-analyst/mark/agent"
	"github.com/mark-analyst/mark/auth"
	"github.com/mark-analyst/mark/dispatch"
	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/eventlog"
	"github.com/mark-analyst/mark/internal/clock"
	"github.com/mark-analyst/mark/internal/dialogue"
	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/internal/tokens"
	"github.com/mark-analyst/mark/store"
	"github.com/mark-analyst/mark/store/storetest"
)

var databases storetest.Databases

func TestMain(m *testing.M) { databases.Main(m) }

// bench is an agent on a real database and event log, with a scripted model and
// a scripted session.
type bench struct {
	t      *testing.T
	agent  *agent.Agent
	client *ent.Client
	log    *eventlog.Log
	jobs   *dispatch.Dispatcher
	model  *scriptedModel
	python *scriptedPython
	ctx    context.Context // as the person
	user   *ent.User
}

func newBench(t *testing.T, s *store.Store, change func(*agent.Config)) *bench {
	t.Helper()
	return newBenchOf(t, s, "ada@example.org", change)
}

// newBenchOf is newBench for one of several people of a database.
func newBenchOf(t *testing.T, s *store.Store, email string, change func(*agent.Config)) *bench {
	t.Helper()
	auth.Guard(s.Client)
	logger := slog.New(slog.NewTextHandler(io.Discard, nil))
	log, err := eventlog.New(eventlog.Config{Client: s.Client, Dialect: s.Dialect, Clock: clock.System{}, Logger: logger, Poll: 50 * time.Millisecond})
	if err != nil {
		t.Fatal(err)
	}
	b := &bench{t: t, client: s.Client, log: log, model: &scriptedModel{}, python: &scriptedPython{}}
	c := agent.Config{
		Client: s.Client, Log: log, Tokens: tokens.Share(tokens.New()),
		Models:  []agent.Model{{Name: "scripted", LLM: b.model}},
		Sandbox: b.python, Blobs: folder(t.TempDir()), Datasets: allReady{},
		AsOwner: func(ctx context.Context, id string) context.Context {
			return auth.WithViewer(ctx, auth.Viewer{UserID: id})
		},
		Node: "test", Clock: clock.System{}, Logger: logger, Limits: agent.DefaultLimits(),
	}
	if change != nil {
		change(&c)
	}
	jobs := dispatch.New(dispatch.Config{Dir: t.TempDir(), Node: c.Node, Logger: logger})
	c.Queue = dispatch.NewQueue[agent.Job](jobs, "runs", c.Limits.ConcurrentRuns, dispatch.Options{Here: true})
	dispatch.Handle(jobs, func(ctx context.Context, j agent.Job) error { return b.agent.Work(ctx, j) })
	if b.agent, err = agent.New(c); err != nil {
		t.Fatal(err)
	}
	b.jobs = jobs
	if err := jobs.Start(t.Context()); err != nil {
		t.Fatal(err)
	}
	b.agent.Start()
	t.Cleanup(func() {
		b.close()
		log.Close()
	})
	b.user = b.client.User.Create().SetEmail(email).SetPasswordHash("x").SaveX(auth.System(t.Context(), "test"))
	b.ctx = auth.WithViewer(t.Context(), auth.Viewer{UserID: b.user.ID})
	return b
}

// close ends the node in the order in which a service does.
func (b *bench) close() {
	b.t.Helper()
	ended, end := context.WithCancel(context.Background())
	end()
	if err := b.jobs.Drain(ended); err != nil && !errors.Is(err, context.Canceled) {
		b.t.Error(err)
	}
	if err := errors.Join(b.agent.Close(context.Background()), b.jobs.Close(context.Background())); err != nil {
		b.t.Error(err)
	}
}

// dataset stores a READY dataset with one column.
func (b *bench) dataset(name string) *ent.Dataset {
	b.t.Helper()
	d := b.client.Dataset.Create().SetName(name).SetFileName(name).SetBlobKey(rand.Text()).SetSha256("0").SetSizeBytes(1).
		SetOwnerID(b.user.ID).SetState("READY").SetRowCount(3).
		SetLoadCode("pd.read_csv('" + name + "')").SaveX(b.ctx)
	b.client.Column.Create().SetDatasetID(d.ID).SetPosition(0).SetName("price").SetType("FLOAT").
		SetNullCount(0).SetDistinctCount(3).SaveX(b.ctx)
	return d
}

// ask sends a question and waits for its end.
func (b *bench) ask(q agent.Question) (*ent.Run, []eventlog.Event) {
	b.t.Helper()
	sent, err := b.agent.Send(b.ctx, q)
	if err != nil {
		b.t.Fatal(err)
	}
	return b.await(sent.Run.ID)
}

func (b *bench) await(runID string) (*ent.Run, []eventlog.Event) {
	b.t.Helper()
	ctx, cancel := context.WithTimeout(b.ctx, 30*time.Second)
	defer cancel()
	var events []eventlog.Event
	for e, err := range b.log.Follow(ctx, runID, 0) {
		if err != nil {
			b.t.Fatal(err)
		}
		events = append(events, e)
	}
	if len(events) == 0 || events[len(events)-1].Kind != agent.KindRunFinished {
		b.t.Fatalf("the run has not ended: %v", kinds(events))
	}
	for i, e := range events {
		if e.Seq != i+1 {
			b.t.Fatalf("event %d has seq %d", i+1, e.Seq)
		}
	}
	return b.client.Run.GetX(b.ctx, runID), events
}

// answer is the parts of Mark's message to a run.
func (b *bench) answer(r *ent.Run) []agent.Part {
	b.t.Helper()
	if r.AnswerID == nil {
		b.t.Fatal("the run has no answer")
	}
	parts, err := agent.Parts(b.client.Message.GetX(b.ctx, *r.AnswerID).Parts)
	if err != nil {
		b.t.Fatal(err)
	}
	return parts
}

// final is the AnswerPart of a run.
func (b *bench) final(r *ent.Run) *agent.Answer {
	b.t.Helper()
	for _, p := range b.answer(r) {
		if p.Answer != nil {
			return p.Answer
		}
	}
	b.t.Fatalf("no answer in %+v; the run's error: %s %s", b.answer(r), r.ErrorCode, r.ErrorMessage)
	return nil
}

func kinds(events []eventlog.Event) []string {
	var out []string
	for _, e := range events {
		out = append(out, e.Kind)
	}
	return out
}

// scriptedModel gives its replies in order; without any left it repeats the
// last.
type scriptedModel struct {
	mu       sync.Mutex
	script   []turn
	requests []dialogue.Request
}

// turn is a reply, or a failure, after what is done first.
type turn struct {
	first  func(ctx context.Context)
	last   func(ctx context.Context) // after the deltas
	deltas []dialogue.Delta
	reply  dialogue.Reply
	err    error
}

func (m *scriptedModel) then(turns ...turn) { m.script = append(m.script, turns...) }

func (m *scriptedModel) Stream(ctx context.Context, req dialogue.Request, emit func(dialogue.Delta) error) (dialogue.Reply, error) {
	m.mu.Lock()
	m.requests = append(m.requests, req)
	if len(m.script) == 0 {
		m.mu.Unlock()
		return dialogue.Reply{}, errors.New("the script is empty")
	}
	t := m.script[0]
	if len(m.script) > 1 {
		m.script = m.script[1:]
	}
	m.mu.Unlock()
	if t.first != nil {
		t.first(ctx)
	}
	if err := ctx.Err(); err != nil {
		return dialogue.Reply{}, err
	}
	for _, d := range t.deltas {
		if err := emit(d); err != nil {
			return dialogue.Reply{}, err
		}
	}
	if t.last != nil {
		t.last(ctx)
	}
	return t.reply, t.err
}

func says(text string) turn {
	return turn{
		deltas: []dialogue.Delta{{Text: text}},
		reply: dialogue.Reply{Message: dialogue.Message{Role: dialogue.Assistant, Content: text}, Finish: dialogue.FinishStop,
			Usage: dialogue.Usage{PromptTokens: 10, CompletionTokens: 5}},
	}
}

// calls is a reply with tool calls: name, arguments, name, arguments, …
func calls(pairs ...string) turn {
	t := turn{reply: dialogue.Reply{Message: dialogue.Message{Role: dialogue.Assistant}, Finish: dialogue.FinishToolCalls}}
	for i := 0; i < len(pairs); i += 2 {
		id := "call_" + string(rune('a'+i/2))
		t.deltas = append(t.deltas, dialogue.Delta{Call: &dialogue.CallDelta{Index: i / 2, ID: id, Name: pairs[i], Arguments: pairs[i+1]}})
		t.reply.Message.ToolCalls = append(t.reply.Message.ToolCalls, dialogue.ToolCall{ID: id, Name: pairs[i], Arguments: pairs[i+1]})
	}
	return t
}

func python(code string) turn {
	raw, _ := json.Marshal(map[string]string{"code": code})
	return calls("run_python", string(raw))
}

// scriptedPython opens sessions whose steps are a function.
type scriptedPython struct {
	mu      sync.Mutex
	calls   func(ask func(method, args string) (any, error)) // what each program asks; nil: run says
	run     func(ctx context.Context, code string, emit func(execution.Event)) (execution.Result, error)
	opened  []execution.Spec
	closed  int
	refuse  error
	origin  execution.Origin
	keys    []string // that were opened
	erased  []string
	rewound []string // points
	forked  []string // from point to
	forgets bool     // no point is kept
}

func (p *scriptedPython) Open(_ context.Context, key string, spec execution.Spec) (execution.Session, execution.Origin, error) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.refuse != nil {
		return nil, execution.Origin{}, p.refuse
	}
	p.opened = append(p.opened, spec)
	p.keys = append(p.keys, key)
	return &scriptedSession{p}, p.origin, nil
}

func (p *scriptedPython) Rewind(_ context.Context, _, point string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.rewound = append(p.rewound, point)
	if point != "" && p.forgets {
		return execution.ErrNoPoint
	}
	return nil
}

func (p *scriptedPython) Fork(_ context.Context, from, point, to string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.forked = append(p.forked, from+" "+point+" "+to)
	return nil
}

func (p *scriptedPython) Erase(_ context.Context, key string) error {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.erased = append(p.erased, key)
	return nil
}

type scriptedSession struct{ p *scriptedPython }

func (s *scriptedSession) Run(ctx context.Context, code string, host execution.Host) (execution.Result, error) {
	if s.p.calls != nil {
		s.p.calls(func(method, args string) (any, error) {
			return host.Call(ctx, execution.Call{Method: method, Args: json.RawMessage(args)})
		})
		return execution.Result{Duration: time.Millisecond}, nil
	}
	return s.p.run(ctx, code, host.Emit)
}

func (s *scriptedSession) Close() error {
	s.p.mu.Lock()
	defer s.p.mu.Unlock()
	s.p.closed++
	return nil
}

func prints(text string) func(context.Context, string, func(execution.Event)) (execution.Result, error) {
	return func(_ context.Context, _ string, emit func(execution.Event)) (execution.Result, error) {
		emit(execution.Event{Chunk: &execution.Chunk{Stream: execution.Stdout, Text: text}})
		return execution.Result{Duration: time.Millisecond}, nil
	}
}

// folder keeps blobs as files.
type folder string

func (f folder) Path(_ context.Context, key string) (string, func(), error) {
	return filepath.Join(string(f), key), func() {}, nil
}

func (f folder) Save(_ context.Context, r io.Reader, limit int64) (string, int64, error) {
	file, err := os.CreateTemp(string(f), "blob")
	if err != nil {
		return "", 0, err
	}
	defer file.Close()
	n, err := io.Copy(file, io.LimitReader(r, limit))
	return filepath.Base(file.Name()), n, err
}

func (f folder) Delete(_ context.Context, key string) error {
	return os.Remove(filepath.Join(string(f), key))
}

type allReady struct{}

func (allReady) Await(context.Context, ...string) error { return nil }
