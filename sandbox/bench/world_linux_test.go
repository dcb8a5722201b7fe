package bench_test

import (
	"encoding/json"
	"fmt"
	"net"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"sync"
	"sync/atomic"
	"testing"
	"time"
)

// secretVariable is the variable of the service's environment that no attack may
// see, and theSecret what it holds.
const (
	secretVariable = "ABUSE_SECRET"
	theSecret      = "canary-3f1c0b7a9d5e24688a6c4e2f0b1d3a57" // the form that attacks look for
	inputText      = "a,b\n1,2\n"
)

// world is what of this machine an attack tries to reach.
type world struct {
	b                          *testing.B
	secret                     string
	dir, canary, folder, input string
	unixPath, abstract         string
	port                       int
	victim                     *exec.Cmd
	victimIn                   interface{ Close() error }
	reached                    atomic.Int64
	listeners                  []interface{ Close() error }
	serving                    sync.WaitGroup
}

// newWorld makes everything as easy to reach as the machine's rights allow: what
// keeps an attack away from it is the sandbox.
func newWorld(b *testing.B) *world {
	b.Helper()
	dir, err := os.MkdirTemp("", "abuse-")
	if err != nil {
		b.Fatal(err)
	}
	w := &world{
		b: b, secret: theSecret, dir: dir, canary: filepath.Join(dir, "canary.txt"), folder: filepath.Join(dir, "folder"),
		input: filepath.Join(dir, "input"), unixPath: filepath.Join(dir, "socket"), abstract: filepath.Base(dir),
	}
	w.must(os.Chmod(dir, 0o755))
	w.must(os.WriteFile(w.canary, []byte(w.secret+"\n"), 0o644))
	w.must(os.WriteFile(w.input, []byte(inputText), 0o644))
	w.must(os.Chmod(w.input, 0o666))
	w.must(os.Mkdir(w.folder, 0o755))
	w.must(os.Chmod(w.folder, 0o777))
	tcp, err := net.Listen("tcp", "127.0.0.1:0")
	w.must(err)
	w.serve(tcp)
	w.port = tcp.Addr().(*net.TCPAddr).Port
	udp, err := net.ListenUDP("udp", &net.UDPAddr{IP: net.IPv4(127, 0, 0, 1), Port: w.port})
	w.must(err)
	w.listeners = append(w.listeners, udp)
	w.serving.Go(func() {
		for buf := make([]byte, 1000); ; w.reached.Add(1) {
			if _, _, err := udp.ReadFrom(buf); err != nil {
				return
			}
		}
	})
	for _, name := range []string{w.unixPath, "@" + w.abstract} {
		l, err := net.Listen("unix", name)
		w.must(err)
		w.serve(l)
	}
	w.must(os.Chmod(w.unixPath, 0o777))
	w.victim = exec.Command("cat")
	w.victim.Env = append(os.Environ(), secretVariable+"="+w.secret)
	w.victimIn, err = w.victim.StdinPipe()
	w.must(err)
	w.must(w.victim.Start())
	return w
}

func (w *world) must(err error) {
	w.b.Helper()
	if err != nil {
		w.b.Fatal(err)
	}
}

// serve answers everybody with the secret.
func (w *world) serve(l net.Listener) {
	w.listeners = append(w.listeners, l)
	w.serving.Go(func() {
		for {
			conn, err := l.Accept()
			if err != nil {
				return
			}
			w.reached.Add(1)
			body := "a\n" + w.secret + "\n"
			_ = conn.SetDeadline(time.Now().Add(2 * time.Second))
			_, _ = conn.Read(make([]byte, 4096)) // whatever is asked
			_, _ = fmt.Fprintf(conn, "HTTP/1.0 200 OK\r\nContent-Length: %d\r\n\r\n%s", len(body), body)
			_ = conn.Close() // whoever asked may be gone
		}
	})
}

// end leaves nothing of the world.
func (w *world) end() {
	for _, l := range w.listeners {
		_ = l.Close() // nothing is written
	}
	w.serving.Wait()
	_ = w.victimIn.Close()
	_ = w.victim.Wait() // an attack may have killed it
	w.must(os.RemoveAll(w.dir))
}

// facts is the line of assignments that stands before an attack.
func (w *world) facts() string {
	names := []string{filepath.Base(w.dir)}
	if host, err := os.Hostname(); err == nil && len(host) > 5 {
		names = append(names, host)
	}
	var line []string
	for name, value := range map[string]any{
		"canary_path": w.canary, "host_dir": w.folder, "input_path": "input.csv", "host_names": names, "port": w.port,
		"unix_path": w.unixPath, "abstract_name": w.abstract, "victim_pid": w.victim.Process.Pid,
		"memory_limit": 2 << 30, "disk_limit": 512 << 20, "output_limit": 1 << 20, "process_limit": 64, "time_limit": stepTime.Seconds(),
	} {
		text, err := json.Marshal(value)
		w.must(err)
		line = append(line, name+" = "+string(text))
	}
	return strings.Join(line, "; ") + "\n"
}

// breaches tells what an attack did that it should not have been able to do.
func (w *world) breaches(printed string, files []string) []string {
	var found []string
	for line := range strings.Lines(printed) {
		if strings.HasPrefix(line, "ESCAPED") {
			found = append(found, strings.TrimSpace(line[:min(len(line), 100)]))
			break
		}
	}
	if strings.Contains(printed, w.secret) {
		found = append(found, "the secret came out")
	}
	for _, name := range files {
		if strings.HasPrefix(name, "escaped") {
			found = append(found, "the file "+name)
		}
	}
	if n := w.reached.Load(); n > 0 {
		found = append(found, fmt.Sprintf("%d connections", n))
	}
	if left, err := os.ReadDir(w.folder); err != nil || len(left) > 0 {
		found = append(found, "it wrote to this machine")
	}
	for path, want := range map[string]string{w.canary: w.secret + "\n", w.input: inputText} {
		if got, err := os.ReadFile(path); err != nil || string(got) != want {
			found = append(found, "it changed "+filepath.Base(path))
		}
	}
	if stat, err := os.ReadFile(fmt.Sprintf("/proc/%d/stat", w.victim.Process.Pid)); err != nil || strings.Contains(string(stat), ") Z") {
		found = append(found, "it killed a process of this machine")
	}
	return found
}
