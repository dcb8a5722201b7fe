package main

import (
	"bufio"
	"encoding/json"
	"fmt"
	"io"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	bq "google.golang.org/api/bigquery/v2"

	"github.com/mark-analyst/mark/internal/fakellm"
	"github.com/mark-analyst/mark/internal/piped"
	"github.com/mark-analyst/mark/sandbox/gvisor/gvisortest"
	"github.com/mark-analyst/mark/sandbox/pyruntime"
	"github.com/mark-analyst/mark/warehouse"
	"github.com/mark-analyst/mark/warehouse/bqfake"
)

// queried are the sizes of results, rows, and how often each is asked for.
var queried = []struct{ rows, rounds int }{{10_000, 7}, {100_000, 5}, {1_000_000, 3}}

// peakMayGrow is how much more memory the service may take for the largest result
// than for the smallest, bytes: what the collector has not swept, not the result.
const peakMayGrow = 96 << 20

// BenchmarkBigQuery is from a query to its DataFrame: by mark.query in the sandbox,
// through the service, beside the official Python client in a process of the machine,
// with one fake of the REST API, which is a process of its own, so that the service's
// memory is the service's.
func BenchmarkBigQuery(b *testing.B) {
	if os.Getenv(servesRows) != "" {
		serveRows(b)
		return
	}
	api, fake := startRows(b)
	peer := startBigQueryClient(b, api)
	mark := startBigQueryMark(b, api)
	mark.others = []int{fake, peer.cmd.Process.Pid}
	fmt.Printf("%-9s  %-22s %9s %12s %7s %13s %22s\n", "rows", "", "seconds", "rows/s", "ratio", "CPU seconds", "peak memory")
	var least int64
	for _, size := range queried {
		var theirs, ours, wire, theirCPU, ourCPU []float64
		var theirPeak, ourPeak int64
		for range size.rounds { // in turn: what else the machine does falls on both
			wire = append(wire, readWire(b, api, size.rows))
			want, cost := peer.query(b, size.rows)
			theirs, theirCPU, theirPeak = append(theirs, want.Took), append(theirCPU, cost.cpu), max(theirPeak, cost.peak)
			got, cost := mark.query(b, size.rows)
			ours, ourCPU, ourPeak = append(ours, got.Took), append(ourCPU, cost.cpu), max(ourPeak, cost.peak)
			if got.Took, want.Took = 0, 0; got != want {
				b.Fatalf("mark.query brought %+v, the official client %+v", got, want)
			}
		}
		told := func(who string, took []float64, cpu, peak string) {
			middle := median(took)
			fmt.Printf("%-9d  %-22s %9.3f %12.0f %6.2fx %13s %22s\n", size.rows, who, middle, float64(size.rows)/middle, median(theirs)/middle, cpu, peak)
		}
		told("the wire alone", wire, "", "")
		told("official client", theirs, fmt.Sprintf("%.2f", median(theirCPU)), mebibytes(theirPeak)+" (its own)")
		told("mark.query", ours, fmt.Sprintf("%.2f", median(ourCPU)), mebibytes(ourPeak)+" (the service)")
		b.ReportMetric(float64(size.rows)/median(ours), fmt.Sprintf("rows/s-%d", size.rows))
		b.ReportMetric(float64(ourPeak), fmt.Sprintf("peak-bytes-%d", size.rows))
		if least == 0 {
			least = ourPeak
		}
		if ourPeak > least+peakMayGrow {
			b.Errorf("the service's memory grows with the result: %s, then %s", mebibytes(least), mebibytes(ourPeak))
		}
	}
}

// brought is what a query brought, and how long it took in Python, seconds.
type brought struct {
	Took    float64
	Rows    int
	Sum     int64  // of a column of integers
	Missing int    // cells that are NULL
	Last    string // the time in the last row
}

// cost is what a query took beside its time.
type cost struct {
	cpu  float64 // seconds of processors, of all processes that had a part but the fake
	peak int64   // resident memory, bytes
}

func statementOf(rows int) string { return fmt.Sprintf("SELECT * FROM sales.rows LIMIT %d", rows) }

func median(values []float64) float64 {
	sorted := slices.Sorted(slices.Values(values))
	return sorted[len(sorted)/2]
}

func mebibytes(n int64) string { return fmt.Sprintf("%d MiB", n>>20) }

// servesRows is set in the process that is the fake.
const servesRows = "MARK_BENCH_SERVES_ROWS"

// serveRows is the fake until its standard input ends. A page is at most what
// BigQuery sends at once of such rows, about 10 MB.
func serveRows(b *testing.B) {
	fake := bqfake.New(b)
	fake.Rows = 50_000
	fake.AddTable(warehouse.TableRef{Project: "acme", Dataset: "sales", Table: "rows"}, bqfake.Table{Table: &bq.Table{NumBytes: mebi}})
	for _, rows := range []int{100, queried[0].rows, queried[1].rows, queried[2].rows} {
		fake.Answer(statementOf(rows), bqfake.Answer{
			Tables: []warehouse.TableRef{{Project: "acme", Dataset: "sales", Table: "rows"}}, Bytes: mebi, TotalRows: rows, Encoded: appendRow,
			Schema: []*bq.TableFieldSchema{
				{Name: "id", Type: "INTEGER"}, {Name: "customer", Type: "STRING"}, {Name: "country", Type: "STRING"}, {Name: "amount", Type: "FLOAT"},
				{Name: "price", Type: "NUMERIC"}, {Name: "day", Type: "DATE"}, {Name: "at", Type: "TIMESTAMP"}, {Name: "paid", Type: "BOOLEAN"},
			},
		})
	}
	fmt.Println("serving", fake.URL)
	_, _ = io.Copy(io.Discard, os.Stdin)
}

const mebi = 1 << 20

// appendRow is a row of what a shop sells. Every seventh country is NULL.
func appendRow(b []byte, i int) []byte {
	text := func(format string, args ...any) {
		b = append(b, `{"v":"`...)
		b = fmt.Appendf(b, format, args...)
		b = append(b, `"},`...)
	}
	b = append(b, `{"f":[`...)
	text("%d", i)
	text("customer %d", i%5000)
	if i%7 == 0 {
		b = append(b, `{"v":null},`...)
	} else {
		text("country %d", i%200)
	}
	text("%g", float64(i%100_000)/8)
	text("%d.%02d", i%1000, i%100)
	text("20%02d-%02d-%02d", i%26, i%12+1, i%28+1)
	text("%d", 1_600_000_000_000_000+int64(i)*1_234_567)
	text("%t", i%3 == 0)
	b[len(b)-1] = ']'
	return append(b, '}')
}

// startRows starts the fake and returns its address and process.
func startRows(b *testing.B) (string, int) {
	b.Helper()
	cmd := exec.CommandContext(b.Context(), os.Args[0], "-test.run=^$", "-test.bench=^BenchmarkBigQuery$", "-test.benchtime=1x")
	cmd.Env, cmd.Stderr = append(os.Environ(), servesRows+"=1"), os.Stderr
	_, answers, _ := piped.Start(b, cmd)
	for {
		line, err := answers.ReadString('\n')
		if err != nil {
			b.Fatalf("the fake did not start: %v", err)
		}
		if at, ok := strings.CutPrefix(strings.TrimSpace(line), "serving "); ok {
			go io.Copy(io.Discard, answers) // until it ends
			return at, cmd.Process.Pid
		}
	}
}

// readWire reads all pages of a result and looks at nothing but where they end.
func readWire(b *testing.B, api string, rows int) float64 {
	b.Helper()
	began := time.Now()
	job := fmt.Sprintf("wire_%d", began.UnixNano())
	body := fmt.Sprintf(`{"jobReference":{"projectId":"acme","jobId":%q},"configuration":{"query":{"query":%q}}}`, job, statementOf(rows))
	res, err := http.Post(api+"/bigquery/v2/projects/acme/jobs", "application/json", strings.NewReader(body))
	if err != nil {
		b.Fatal(err)
	}
	res.Body.Close()
	for token := "0"; token != ""; {
		res, err := http.Get(api + "/bigquery/v2/projects/acme/queries/" + job + "?pageToken=" + token)
		if err != nil {
			b.Fatal(err)
		}
		start := make([]byte, 1024)
		n, _ := io.ReadFull(res.Body, start)
		token = ""
		if _, after, ok := strings.Cut(string(start[:n]), `"pageToken":"`); ok {
			token, _, _ = strings.Cut(after, `"`)
		}
		if _, err := io.Copy(io.Discard, res.Body); err != nil || res.StatusCode != http.StatusOK {
			b.Fatal(res.Status, err)
		}
		res.Body.Close()
	}
	return time.Since(began).Seconds()
}

// bigQueryClient is the official client in a process of the runtime's Python.
type bigQueryClient struct {
	cmd     *exec.Cmd
	in      io.Writer
	answers *bufio.Reader
}

func startBigQueryClient(b *testing.B, api string) *bigQueryClient {
	b.Helper()
	installed := gvisortest.Packages(b, filepath.Join("testdata", "bigquery_peers.txt"))
	program := filepath.Join("testdata", "bigquery_peer.py")
	c := &bigQueryClient{cmd: exec.CommandContext(b.Context(), filepath.Join(gvisortest.Tree(b).Root, pyruntime.Interpreter), "-I", program, installed, api)}
	c.cmd.Stderr = os.Stderr
	c.in, c.answers, _ = piped.Start(b, c.cmd)
	c.read(b)
	c.query(b, 100) // what is made once is made
	return c
}

func (c *bigQueryClient) read(b *testing.B) (got brought) {
	b.Helper()
	line, err := c.answers.ReadBytes('\n')
	if err == nil {
		err = json.Unmarshal(line, &got)
	}
	if err != nil {
		b.Fatalf("the official client: %q, %v", line, err)
	}
	return got
}

func (c *bigQueryClient) query(b *testing.B, rows int) (brought, cost) {
	b.Helper()
	forgetPeak(b, c.cmd.Process.Pid)
	before := cpuOf(b, c.cmd.Process.Pid)
	if err := json.NewEncoder(c.in).Encode(statementOf(rows)); err != nil {
		b.Fatal(err)
	}
	got := c.read(b)
	return got, cost{cpuOf(b, c.cmd.Process.Pid) - before, peakOf(b, c.cmd.Process.Pid)}
}

// bigQueryMark is a service with a chat whose programs ask.
type bigQueryMark struct {
	*person
	chat   string
	next   chan string // the program that the model is to write
	others []int       // processes below this one that have no part in it
}

// fetching is the program. What it reads it does not keep: a session's variables are
// saved, which is not what is measured.
const fetching = `import json, time, mark
def fetching():
    begun = time.perf_counter()
    df = mark.query(%q)
    took = time.perf_counter() - begun
    return {"took": took, "rows": len(df), "sum": int(df["id"].sum()), "missing": int(df.isna().sum().sum()), "last": str(df.iloc[-1]["at"])}
print(json.dumps(fetching()))`

func startBigQueryMark(b *testing.B, api string) *bigQueryMark {
	b.Helper()
	list := filepath.Join(b.TempDir(), "warehouses.yaml")
	entry := fmt.Sprintf("- {name: shop, kind: bigquery, project: acme, credentials: none, endpoint: %q, allow: [acme.sales.*], policy: {maxRows: 2000000, maxBytes: 4 GiB}}\n", api)
	if err := os.WriteFile(list, []byte(entry), 0o600); err != nil {
		b.Fatal(err)
	}
	m := &bigQueryMark{next: make(chan string, 1)}
	e := newEndpoint(b, func() scripted {
		select {
		case code := <-m.next:
			return scripted{raw: frames(b, fakellm.Call("call_1", "run_python", map[string]string{"code": code}))}
		default:
			return scripted{raw: frames(b, fakellm.Text("There they are."))}
		}
	})
	s := start(b, "", func(c *Config, _ *Parts) {
		e.use(c)
		c.Warehouses, c.Limits.RunTime, c.Limits.PythonStepTime, c.Limits.PythonMemory = list, 10*time.Minute, 5*time.Minute, 4<<30
	})
	m.person = s.signUp("ada@example.org")
	m.query(b, 100)
	return m
}

func (m *bigQueryMark) query(b *testing.B, rows int) (got brought, took cost) {
	b.Helper()
	m.next <- fmt.Sprintf(fetching, statementOf(rows))
	memoryNow(b) // gives back what others have left
	forgetPeak(b, os.Getpid())
	before := cpuOf(b, os.Getpid(), m.others...)
	chat, run := m.ask(m.chat, "Fetch them.")
	m.chat = chat
	m.follow(run, 0)
	took = cost{cpuOf(b, os.Getpid(), m.others...) - before, peakOf(b, os.Getpid())}
	printed := m.stdout(run, 0)
	if err := json.Unmarshal([]byte(printed), &got); err != nil {
		b.Fatalf("Python printed %q: %v", printed, m.person.run(run).at("node", "steps"))
	}
	return got, took
}

// forgetPeak has the kernel reckon a process's peak of resident memory anew.
func forgetPeak(b *testing.B, pid int) {
	b.Helper()
	if err := os.WriteFile(fmt.Sprintf("/proc/%d/clear_refs", pid), []byte("5"), 0); err != nil {
		b.Fatal(err)
	}
}

// peakOf is the most that a process had resident, bytes.
func peakOf(b *testing.B, pid int) int64 {
	b.Helper()
	status, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(string(status)) {
		if value, ok := strings.CutPrefix(line, "VmHWM:"); ok {
			kib, err := strconv.ParseInt(strings.Fields(value)[0], 10, 64)
			if err != nil {
				b.Fatal(err)
			}
			return kib << 10
		}
	}
	b.Fatal("the kernel does not tell the peak")
	return 0
}

// clockTicks are those of a second in /proc, on every Linux that Go runs on.
const clockTicks = 100

// cpuOf is how long processors have worked for a process and those below it, without
// some with what is below them, seconds. Of what has ended below it is not known.
func cpuOf(b *testing.B, pid int, without ...int) float64 {
	b.Helper()
	stats, err := filepath.Glob("/proc/[0-9]*/stat")
	if err != nil {
		b.Fatal(err)
	}
	parents, ticks := map[int]int{}, map[int]int64{}
	for _, path := range stats {
		text, err := os.ReadFile(path)
		if err != nil {
			continue // it has ended
		}
		id, _ := strconv.Atoi(strings.Split(path, "/")[2])
		fields := strings.Fields(string(text[strings.LastIndexByte(string(text), ')')+1:]))
		parents[id], _ = strconv.Atoi(fields[1])
		user, _ := strconv.ParseInt(fields[11], 10, 64)
		system, _ := strconv.ParseInt(fields[12], 10, 64)
		ticks[id] = user + system
	}
	var sum int64
	for id, n := range ticks {
		at := id
		for at > 1 && at != pid && !slices.Contains(without, at) {
			at = parents[at]
		}
		if at == pid {
			sum += n
		}
	}
	return float64(sum) / clockTicks
}
