package abuse

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// SecretVariable is the environment variable of the service that no program may see.
const SecretVariable = "ABUSE_SECRET"

// World is what of the host a program tries to reach: a file with a secret, a
// folder that everybody may write to, services that listen, a process. All are as
// easy to get at as the host can make them: what keeps a program from them is the
// sandbox alone.
type World struct {
	Secret string // what the file and the variable hold
	Input  string // a file that the session is to be given, as input.csv
	// Limits are what the program should not get beyond.
	Limits Limits
	// Names are further words that would tell where a session runs.
	Names []string

	dir       string
	canary    string
	folder    string // to be left empty
	unixPath  string
	abstract  string
	port      int
	victim    *exec.Cmd
	victimIn  io.Closer
	reached   atomic.Int64 // connections and datagrams
	listeners []io.Closer
	loops     sync.WaitGroup
}

// Limits are in bytes, seconds and numbers.
type Limits struct {
	MemoryBytes, DiskBytes, OutputBytes int64
	Processes                           int
	StepTime                            time.Duration
}

const inputText = "a,b\n1,2\n"

// NewSecret returns a secret in the form that programs look for.
func NewSecret(random [16]byte) string { return fmt.Sprintf("canary-%x", random) }

// NewWorld makes one that lasts as long as the test, or until End.
func NewWorld(t testing.TB, secret string, limits Limits) *World {
	t.Helper()
	w := &World{Secret: secret, Limits: limits}
	t.Cleanup(func() {
		if err := w.End(); err != nil {
			t.Error(err)
		}
	})
	if err := errors.Join(w.makeFiles(), w.listen(), w.startVictim()); err != nil {
		t.Fatal(err)
	}
	return w
}

// End leaves nothing of the world. A second one does nothing.
func (w *World) End() error {
	for _, l := range w.listeners {
		_ = l.Close() // nothing is written
	}
	w.loops.Wait()
	w.listeners = nil
	if w.victim != nil {
		_ = w.victimIn.Close()
		_ = w.victim.Wait() // a program may have killed it
		w.victim = nil
	}
	dir := w.dir
	w.dir = ""
	if dir == "" {
		return nil
	}
	return os.RemoveAll(dir)
}

// makeFiles makes files that every user of the machine reaches: t.TempDir's own
// folder would keep others out, sandbox or not.
func (w *World) makeFiles() (err error) {
	if w.dir, err = os.MkdirTemp("", "abuse-"); err != nil {
		return err
	}
	w.canary = filepath.Join(w.dir, "canary.txt")
	w.folder = filepath.Join(w.dir, "folder")
	w.Input = filepath.Join(w.dir, "input")
	w.unixPath = filepath.Join(w.dir, "socket")
	return errors.Join(
		os.Chmod(w.dir, 0o755),
		os.WriteFile(w.canary, []byte(w.Secret+"\n"), 0o644),
		os.WriteFile(w.Input, []byte(inputText), 0o644),
		os.Chmod(w.Input, 0o666),
		os.Mkdir(w.folder, 0o755),
		os.Chmod(w.folder, 0o777),
	)
}

// listen makes the services: on one port by TCP, which speaks HTTP, and by UDP, and
// on two Unix sockets.
func (w *World) listen() error {
	w.abstract = filepath.Base(w.dir)
	tcp, err := new(net.ListenConfig).Listen(context.Background(), "tcp", "127.0.0.1:0")
	if err != nil {
		return err
	}
	w.serve(tcp)
	address := tcp.Addr().(*net.TCPAddr)
	w.port = address.Port
	udp, err := net.ListenUDP("udp", &net.UDPAddr{IP: address.IP, Port: address.Port})
	if err != nil {
		return err
	}
	w.listeners = append(w.listeners, udp)
	w.loops.Go(func() {
		buf := make([]byte, 1000)
		for {
			_, from, err := udp.ReadFrom(buf)
			if err != nil {
				return
			}
			w.reached.Add(1)
			_, _ = udp.WriteTo([]byte(w.Secret), from) // whoever asked may be gone
		}
	})
	for _, name := range []string{w.unixPath, "@" + w.abstract} {
		l, err := new(net.ListenConfig).Listen(context.Background(), "unix", name)
		if err != nil {
			return err
		}
		w.serve(l)
	}
	return os.Chmod(w.unixPath, 0o777)
}

func (w *World) serve(l net.Listener) {
	w.listeners = append(w.listeners, l)
	w.loops.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			w.reached.Add(1)
			body := "a\n" + w.Secret + "\n"
			_ = conn.SetDeadline(time.Now().Add(2 * time.Second))
			_, _ = conn.Read(make([]byte, 4096)) // whatever is asked
			_, _ = fmt.Fprintf(conn, "HTTP/1.0 200 OK\r\nContent-Type: text/csv\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
			_ = conn.Close() // whoever asked may be gone
		}
	})
}

// startVictim starts a process that ends with its standard input.
func (w *World) startVictim() (err error) {
	cmd := exec.CommandContext(context.Background(), "cat")
	cmd.Env = append(os.Environ(), SecretVariable+"="+w.Secret)
	if w.victimIn, err = cmd.StdinPipe(); err != nil {
		return err
	}
	if err := cmd.Start(); err != nil {
		return err
	}
	w.victim = cmd
	return nil
}

// Facts returns the line that stands before a program: what it has to know.
func (w *World) Facts() string {
	host, err := os.Hostname()
	names := append([]string{filepath.Base(w.dir)}, w.Names...)
	if err == nil && len(host) > 5 {
		names = append(names, host)
	}
	var line []string
	for _, fact := range []struct {
		name  string
		value any
	}{
		{"canary_path", w.canary}, {"host_dir", w.folder}, {"input_path", "input.csv"}, {"host_names", names},
		{"port", w.port}, {"unix_path", w.unixPath}, {"abstract_name", w.abstract}, {"victim_pid", w.victim.Process.Pid},
		{"memory_limit", w.Limits.MemoryBytes}, {"disk_limit", w.Limits.DiskBytes}, {"output_limit", w.Limits.OutputBytes},
		{"process_limit", w.Limits.Processes}, {"time_limit", w.Limits.StepTime.Seconds()},
	} {
		value, err := json.Marshal(fact.value)
		if err != nil {
			panic(err) // strings and numbers
		}
		line = append(line, fact.name+" = "+string(value))
	}
	return strings.Join(line, "; ") + "\n"
}

// escaped is what a program prints when it succeeded. A traceback that quotes a
// line of the program is indented.
var escaped = regexp.MustCompile(`(?m)^ESCAPED.*`)

// Breaches tells what a program has done to the host that it should not have. text
// is everything that came out of it, names are the files that it left.
func (w *World) Breaches(text string, names []string) []string {
	found := escaped.FindAllString(text, 20)
	if strings.Contains(text, w.Secret) {
		found = append(found, "the secret came out")
	}
	for _, name := range names {
		if strings.HasPrefix(name, "escaped") {
			found = append(found, "the file "+name+" came out")
		}
	}
	if n := w.reached.Load(); n > 0 {
		found = append(found, fmt.Sprintf("%d connections were made to the host", n))
	}
	switch left, err := os.ReadDir(w.folder); {
	case err != nil:
		found = append(found, err.Error())
	case len(left) > 0:
		found = append(found, fmt.Sprintf("the host's folder holds %v", left))
	}
	for path, want := range map[string]string{w.canary: w.Secret + "\n", w.Input: inputText} {
		if got, err := os.ReadFile(path); err != nil || string(got) != want {
			found = append(found, fmt.Sprintf("%s holds %.100q (%v)", filepath.Base(path), got, err))
		}
	}
	if !running(w.victim.Process.Pid) {
		found = append(found, "the host's process was killed")
	}
	return found
}

// running reports whether a child of this process has not ended: one that has, and
// was not waited for, is a zombie.
func running(pid int) bool {
	stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", pid))
	_, rest, _ := strings.Cut(string(stat), ") ")
	return err == nil && !strings.HasPrefix(rest, "Z")
}
