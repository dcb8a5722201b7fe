package bench_test

import (
	"bufio"
	"crypto/sha256"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strconv"
	"strings"
	"testing"
	"time"

	"golang.org/x/sys/unix"
)

const (
	subscribers = 1000
	// underWay is how many events may have been appended and not have reached all
	// subscribers, when the most that can be delivered is measured.
	underWay = 256
	// atMost bounds the time of that measurement, and atMostEvents its length.
	atMost       = 10 * time.Second
	atMostEvents = 30_000
	// offered is how many events a second are offered when it is measured how long
	// one takes, and for how long: 20,000 deliveries a second.
	offered    = 20
	offeredFor = 10 * time.Second
	// settled is how many of them come before those that are measured: the memory
	// that was given back for the measurement before has to come back.
	settled = offered
)

// BenchmarkDelivery is of one run's events to a thousand subscribers, each on a
// WebSocket of its own on loopback. The server has one processor and the clients
// another. Every event is checked to be the one after the last.
//
//   - deliveries/s: events that reach a subscriber, while at most underWay of them
//     have not reached all. They are appended as fast as that allows.
//   - p50, p99: from before an event is appended until a subscriber has read it, at
//     20 events a second, of all deliveries but those of the first second.
//   - CPU each: what a delivery at 20 events a second takes of the server's processor.
//   - memory: how much the server's resident memory grows by 1000 subscribers that
//     have had one event and wait for the next, a subscriber, garbage given back.
func BenchmarkDelivery(b *testing.B) {
	for range b.N {
		fmt.Printf("%-18s %13s %8s %8s %12s %15s %7s\n", "1000 subscribers", "deliveries/s", "p50 ms", "p99 ms", "CPU µs each", "KiB/subscriber", "bytes")
		for _, kind := range []string{"Mark", "gqlgen", "graphql-ws"} {
			b.Run(kind, func(b *testing.B) { deliver(b, kind) })
		}
	}
}

func deliver(b *testing.B, kind string) {
	s := startServer(b, kind)

	// What the first subscribers make the process load is not theirs.
	warm := connect(b, s.port, 50, s.run, 0)
	s.settle(b)
	s.tell("one")
	warm.until(1, time.Minute, nil)
	warm.close()
	s.settle(b)
	before := s.memory(b)
	c := connect(b, s.port, subscribers, s.run, 1)
	defer c.close()
	s.settle(b)
	s.tell("one")
	c.until(2, time.Minute, nil)
	s.settle(b)
	grown := float64(s.memory(b)-before) / 1024 / subscribers

	offer := func(events int) {
		for range events {
			s.tell("one") // whether all have had the last one or not
			c.during(time.Now().Add(time.Second / offered))
		}
	}
	offer(settled)
	c.until(2+settled, time.Minute, nil)
	cpu, measured := s.cpu(b), offered*int(offeredFor/time.Second)
	c.latencies = make([]time.Duration, 0, subscribers*measured)
	offer(measured)
	c.until(2+settled+measured, time.Minute, nil)
	cpu = s.cpu(b) - cpu
	latencies := c.latencies
	each := float64(cpu.Microseconds()) / float64(len(latencies))
	c.latencies = nil

	// Once for the length of the measurement, once for the figure.
	rate := throughput(s, c, 400)
	rate = throughput(s, c, min(int(rate/subscribers*atMost.Seconds()), atMostEvents))
	fmt.Printf("%-18s %13.0f %8s %8s %12.1f %15.1f %7d\n", kind, rate, percentile(latencies, 0.5), percentile(latencies, 0.99), each, grown, c.payload)
	b.ReportMetric(rate, "deliveries/s")
	b.ReportMetric(grown, "KiB/subscriber")
}

// throughput is how many deliveries a second are made of a number of events.
func throughput(s *process, c *clients, events int) float64 {
	first, told := c.newest, c.newest
	begun := time.Now()
	s.tell(fmt.Sprintf("many %d %d", events, underWay))
	c.until(first+events, 3*time.Minute, func() {
		if c.newest >= told+underWay/8 {
			told = c.newest
			s.tell("done " + strconv.Itoa(told))
		}
	})
	return float64(events) * subscribers / time.Since(begun).Seconds()
}

// process is a server that is measured.
type process struct {
	cmd  *exec.Cmd
	in   io.Writer
	out  *bufio.Reader
	port int
	run  string
}

// startServer starts a server on a processor that the clients leave to it.
func startServer(b *testing.B, kind string) *process {
	b.Helper()
	cmd := exec.CommandContext(b.Context(), os.Args[0], "-test.run=^TestServer$", "-test.timeout=10m")
	cmd.Env = append(os.Environ(), serverVariable+"="+kind)
	p := &process{cmd: cmd, run: "run_of_the_benchmark_00000001"}
	if kind == "graphql-ws" {
		folder := installPeer(b)
		p.cmd = exec.CommandContext(b.Context(), "node", "--expose-gc", filepath.Join(folder, "server.mjs"), p.run, padding)
	}
	p.cmd.Stderr = os.Stderr
	in, err := p.cmd.StdinPipe()
	if err != nil {
		b.Fatal(err)
	}
	out, err := p.cmd.StdoutPipe()
	if err != nil {
		b.Fatal(err)
	}
	p.in, p.out = in, bufio.NewReader(out)

	// A child inherits the processors of the thread that starts it.
	runtime.LockOSThread()
	own := processors(b)
	pin(b, own[0])
	err = p.cmd.Start()
	pin(b, own[len(own)-1]) // and for good: this is the thread of the clients
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		in.Close()
		p.cmd.Wait()
		setProcessors(b, own)
		runtime.UnlockOSThread()
	})
	fields := strings.Fields(p.line(b))
	if p.port, err = strconv.Atoi(fields[0]); err != nil {
		b.Fatal(err)
	}
	if len(fields) > 1 {
		p.run = fields[1]
	}
	return p
}

func (p *process) tell(command string) { fmt.Fprintln(p.in, command) }

func (p *process) line(b *testing.B) string {
	b.Helper()
	line, err := p.out.ReadString('\n')
	if err != nil {
		b.Fatal(err)
	}
	return line
}

// settle has the server give back the memory that it does not need.
func (p *process) settle(b *testing.B) {
	b.Helper()
	p.tell("settle")
	if line := p.line(b); line != "settled\n" {
		b.Fatal(line)
	}
}

// memory is the server's resident memory in bytes.
func (p *process) memory(b *testing.B) int {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", p.cmd.Process.Pid))
	if err != nil {
		b.Fatal(err)
	}
	for line := range strings.Lines(string(text)) {
		if value, ok := strings.CutPrefix(line, "VmRSS:"); ok {
			kib, err := strconv.Atoi(strings.Fields(value)[0])
			if err != nil {
				b.Fatal(err)
			}
			return kib << 10
		}
	}
	b.Fatal("no VmRSS")
	return 0
}

// cpu is how much of its processor the server has used.
func (p *process) cpu(b *testing.B) time.Duration {
	b.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", p.cmd.Process.Pid))
	if err != nil {
		b.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), ") ")
	fields := strings.Fields(rest)
	var ticks int64
	for _, f := range fields[11:13] { // utime and stime, in hundredths of a second
		n, err := strconv.ParseInt(f, 10, 64)
		if err != nil {
			b.Fatal(err)
		}
		ticks += n
	}
	return time.Duration(ticks) * 10 * time.Millisecond
}

// processors are those that this thread may run on.
func processors(b *testing.B) []int {
	var set unix.CPUSet
	if err := unix.SchedGetaffinity(0, &set); err != nil {
		b.Fatal(err)
	}
	var list []int
	for i := range len(set) * 64 {
		if set.IsSet(i) {
			list = append(list, i)
		}
	}
	return list
}

func pin(b *testing.B, processor int) { setProcessors(b, []int{processor}) }

func setProcessors(b *testing.B, list []int) {
	var set unix.CPUSet
	for _, i := range list {
		set.Set(i)
	}
	if err := unix.SchedSetaffinity(0, &set); err != nil {
		b.Fatal(err)
	}
}

// installPeer installs what peer/package-lock.json pins into a folder that is
// kept, below MARK_BENCH_DIR, and returns it.
func installPeer(b *testing.B) string {
	b.Helper()
	dir := os.Getenv("MARK_BENCH_DIR")
	if dir == "" {
		dir = filepath.Join("..", "..", "data", "bench")
	}
	dir, err := filepath.Abs(dir)
	if err != nil {
		b.Fatal(err)
	}
	hash := sha256.New()
	names := []string{"package.json", "package-lock.json", ".npmrc", "server.mjs"}
	texts := map[string][]byte{}
	for _, name := range names {
		if texts[name], err = os.ReadFile(filepath.Join("peer", name)); err != nil {
			b.Fatal(err)
		}
		hash.Write(texts[name])
	}
	at := filepath.Join(dir, fmt.Sprintf("delivery-%.8x", hash.Sum(nil)))
	if _, err := os.Stat(at); err == nil {
		return at
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		b.Fatal(err)
	}
	making, err := os.MkdirTemp(dir, "making-")
	if err != nil {
		b.Fatal(err)
	}
	defer os.RemoveAll(making)
	for _, name := range names {
		if err := os.WriteFile(filepath.Join(making, name), texts[name], 0o644); err != nil {
			b.Fatal(err)
		}
	}
	cmd := exec.CommandContext(b.Context(), "npm", "ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error")
	cmd.Dir = making
	if out, err := cmd.CombinedOutput(); err != nil {
		b.Fatalf("npm ci: %v: %s", err, out)
	}
	if err := os.Rename(making, at); err != nil {
		b.Fatal(err)
	}
	return at
}
