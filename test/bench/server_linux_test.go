package bench_test

import (
	"bufio"
	"context"
	"encoding/json"
	"fmt"
	"io"
	"log/slog"
	"math"
	"net"
	"net/http"
	"os"
	"runtime/debug"
	"sync"
	"testing"
	"time"

	"github.com/99designs/gqlgen/graphql/handler"
	"github.com/99designs/gqlgen/graphql/handler/transport"
	"golang.org/x/sys/unix"

	"github.com/mark-analyst/mark/auth"
	"github.com/mark-analyst/mark/ent"
	"github.com/mark-analyst/mark/ent/message"
	"github.com/mark-analyst/mark/ent/run"
	"github.com/mark-analyst/mark/eventlog"
	"github.com/mark-analyst/mark/graph"
	"github.com/mark-analyst/mark/internal/clock"
	"github.com/mark-analyst/mark/resolvers"
	"github.com/mark-analyst/mark/server"
	"github.com/mark-analyst/mark/server/limit"
	"github.com/mark-analyst/mark/store"
	"github.com/mark-analyst/mark/store/storetest"
)

// serverVariable says which server a process is to be, and for whom.
const serverVariable = "MARK_BENCH_SERVER"

// padding makes an event's response as long as it is to be.
var padding = " data"

// TestServer is the process that is measured: Mark's schema, resolvers and log on
// SQLite, behind Mark's transport or gqlgen's. It obeys the commands on its
// standard input:
//
//	one         append an event
//	many N W    append N events, as many at once as leave at most W under way
//	done SEQ    all subscribers have the event
//	settle      give back memory, and say so
func TestServer(t *testing.T) {
	kind := os.Getenv(serverVariable)
	if kind == "" {
		t.Skip("this is a process of the benchmark")
	}
	s := storetest.Open(t, store.Config{DataDir: t.TempDir()})
	owner, w := newRun(t, s.Client)
	auth.Guard(s.Client)
	logger := slog.New(slog.DiscardHandler)
	log, err := eventlog.New(eventlog.Config{Client: s.Client, Dialect: s.Dialect, Clock: clock.System{}, Logger: logger})
	if err != nil {
		t.Fatal(err)
	}
	defer log.Close()
	schema := graph.NewExecutableSchema(graph.Config{Resolvers: &resolvers.Resolver{Client: s.Client, Log: log, Logger: logger}})
	signIn := func(ctx context.Context) context.Context {
		return auth.WithViewer(ctx, auth.Viewer{UserID: owner})
	}

	var h http.Handler
	if kind == "gqlgen" {
		stock := handler.New(schema)
		stock.AddTransport(transport.Websocket{})
		h = http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
			stock.ServeHTTP(w, r.WithContext(signIn(r.Context())))
		})
	} else {
		limits := server.DefaultLimits()
		limits.Sockets, limits.Subscriptions = 2*subscribers, 2*subscribers
		limits.Viewer = limit.Rate{PerSecond: 1e6, Burst: 1e6}
		limits.KeepAlive = time.Hour
		h = server.New(server.Config{
			Schema: schema, Limits: limits, Extensions: resolvers.Extensions(s.Client),
			Authenticate: func(ctx context.Context, _ string) (context.Context, time.Time, error) {
				return signIn(ctx), time.Now().Add(time.Hour), nil
			},
			Viewer: func(ctx context.Context) string {
				v, _ := auth.FromContext(ctx)
				return v.UserID
			},
		}).Handler()
	}
	l, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	go http.Serve(l, h)
	fmt.Println(l.Addr().(*net.TCPAddr).Port, w.RunID)
	obey(t, &publisher{log: log, writer: w})
}

func obey(t *testing.T, p *publisher) {
	p.more = sync.NewCond(&p.mu)
	go p.run(t)
	in := bufio.NewScanner(os.Stdin)
	for in.Scan() {
		var command string
		var a, b int
		fmt.Sscan(in.Text()+" 0 0", &command, &a, &b)
		switch command {
		case "one":
			p.change(func() { p.left, p.window = p.left+1, math.MaxInt/2 })
		case "many":
			p.change(func() { p.left, p.window, p.done = a, b, p.seq })
		case "done":
			p.change(func() { p.done = a })
		case "settle":
			for range 5 { // a stack gives back half of what it does not need in each
				debug.FreeOSMemory()
			}
			fmt.Println("settled")
		}
	}
	if err := in.Err(); err != nil && err != io.EOF {
		t.Error(err)
	}
}

// publisher appends events to a run's log.
type publisher struct {
	log    *eventlog.Log
	writer eventlog.Writer

	mu                      sync.Mutex // protects what follows
	more                    *sync.Cond
	left, window, seq, done int
}

func (p *publisher) change(f func()) {
	p.mu.Lock()
	defer p.mu.Unlock()
	f()
	p.more.Signal()
}

// due is how many events to append now. The caller holds mu.
func (p *publisher) due() int { return min(p.left, p.window-(p.seq-p.done)) }

func (p *publisher) run(t *testing.T) {
	for {
		p.mu.Lock()
		n := p.due()
		for ; n < 1; n = p.due() {
			p.more.Wait()
		}
		p.left -= n
		p.seq += n
		p.mu.Unlock()
		entries := make([]eventlog.Entry, n)
		for i := range entries {
			body, _ := json.Marshal(map[string]string{"text": fmt.Sprintf("t=%019d%s", monotonic(), padding)})
			entries[i] = eventlog.Entry{Kind: "TextDelta", Body: body}
		}
		if _, err := p.log.Append(context.Background(), p.writer, entries...); err != nil {
			fmt.Println(err)
			return
		}
	}
}

// monotonic is the time of the machine's clock that all processes share.
func monotonic() int64 {
	var ts unix.Timespec
	_ = unix.ClockGettime(unix.CLOCK_MONOTONIC, &ts)
	return ts.Nano()
}

// newRun stores a run that is being worked on.
func newRun(t *testing.T, c *ent.Client) (owner string, w eventlog.Writer) {
	t.Helper()
	ctx := t.Context()
	must := func(err error) {
		if err != nil {
			t.Helper()
			t.Fatal(err)
		}
	}
	u, err := c.User.Create().SetEmail("reader@example.org").SetPasswordHash("-").Save(ctx)
	must(err)
	chat, err := c.Chat.Create().SetOwnerID(u.ID).Save(ctx)
	must(err)
	question, err := c.Message.Create().SetOwnerID(u.ID).SetChatID(chat.ID).SetSeq(1).
		SetRole(message.RoleUser).SetParts(json.RawMessage(`[]`)).Save(ctx)
	must(err)
	r, err := c.Run.Create().SetOwnerID(u.ID).SetChatID(chat.ID).SetQuestionID(question.ID).
		SetState(run.StateRunning).SetEpoch(1).Save(ctx)
	must(err)
	return u.ID, eventlog.Writer{RunID: r.ID, Epoch: 1}
}
