package gvisor_test

import (
	"fmt"
	"net"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/mark-analyst/mark/internal/execution"
	"github.com/mark-analyst/mark/sandbox/gvisor/gvisortest"
)

func TestNoNetwork(t *testing.T) {
	listener, err := net.Listen("tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer listener.Close()
	s := open(t, execution.Spec{})
	for name, code := range map[string]string{
		"this machine's loopback": fmt.Sprintf(`socket.create_connection(("127.0.0.1", %d), timeout=1)`, listener.Addr().(*net.TCPAddr).Port),
		"another address":         `socket.create_connection(("192.0.2.1", 80), timeout=1)`,
		"a datagram":              `socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("192.0.2.1", 53))`,
		"a datagram of IPv6":      `socket.socket(socket.AF_INET6, socket.SOCK_DGRAM).sendto(b"x", ("2001:db8::1", 53))`,
		"names":                   `socket.getaddrinfo("example.com", 80)`,
		"raw packets":             `socket.socket(socket.AF_PACKET, socket.SOCK_RAW)`,
		"pandas reading a URL":    `pd.read_csv("http://192.0.2.1/x.csv")`,
	} {
		t.Run(name, func(t *testing.T) {
			if got := failure(t, s, "import socket\n"+code); !strings.Contains(got, "Error") && got != "gaierror" && got != "timeout" {
				t.Errorf("it ended with %s", got)
			}
		})
	}
}

func TestNoHostFiles(t *testing.T) {
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("s3cret"), 0o666); err != nil {
		t.Fatal(err)
	}
	input := filepath.Join(t.TempDir(), "input")
	if err := os.WriteFile(input, []byte("a\n1\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	s := open(t, execution.Spec{Files: []execution.File{{Name: "input.csv", Path: input}}})
	for _, path := range []string{
		"/etc/shadow", secret, gvisortest.Dir(t), "/root", "/home", "/proc/1/root" + secret,
		"/mnt/input/../../" + secret, "/var", "/sys/class/net/eth0", "/proc/sys/kernel/hostname_of_host",
	} {
		if got := prints(t, s, fmt.Sprintf(`
import os
def found(path):
    try: return bool(os.listdir(path)) if os.path.isdir(path) else bool(open(path).read(1))
    except OSError: return False
print(found(%q))`, path)); got != "False" {
			t.Errorf("%s can be seen", path)
		}
	}
	got := prints(t, s, `print(sorted(os.listdir("/")))
print(sorted(p for p in os.listdir("/proc") if p.isdigit()))`)
	if want := "['dev', 'etc', 'lib', 'lib64', 'mnt', 'opt', 'proc', 'sys', 'tmp', 'usr']\n['1']"; got != want {
		t.Errorf("the root and the processes are\n%s\nwant\n%s", got, want)
	}
}

func TestNoCredentials(t *testing.T) {
	t.Setenv("MARK_LLM_API_KEY", "sk-canary")
	t.Setenv("MARK_JWT_SECRET", "sk-canary")
	s := open(t, execution.Spec{})
	got := prints(t, s, `
import os
text = str(dict(os.environ)) + open("/proc/self/environ").read() + open("/proc/self/cmdline").read()
print("canary" in text, "MARK" in text)`)
	if got != "False False" {
		t.Errorf("the service's environment is visible: %s", got)
	}
}

func TestReadOnly(t *testing.T) {
	input := filepath.Join(t.TempDir(), "input")
	if err := os.WriteFile(input, []byte("a\n1\n"), 0o666); err != nil {
		t.Fatal(err)
	}
	s := open(t, execution.Spec{Files: []execution.File{{Name: "in.csv", Path: input}}})
	for _, path := range []string{
		"/x", "/usr/lib/python3.14/x.py", "/usr/lib/python3.14/site-packages/pandas/__init__.py", "/etc/passwd",
		"/opt/mark/__main__.py", "/mnt/input/x", "/mnt/input/in.csv", "/mnt/data/in.csv",
	} {
		if got := failure(t, s, fmt.Sprintf("open(%q, 'a').write('x')", path)); got != "OSError" && got != "PermissionError" {
			t.Errorf("writing to %s ended with %s", path, got)
		}
	}
	if got := failure(t, s, "import os; os.remove('/mnt/input/in.csv')"); got != "OSError" && got != "PermissionError" {
		t.Errorf("removing an input ended with %s", got)
	}
	if b, err := os.ReadFile(input); err != nil || string(b) != "a\n1\n" {
		t.Errorf("the host's file is now %q (%v)", b, err)
	}
}

func TestNoPrivileges(t *testing.T) {
	s := open(t, execution.Spec{})
	got := prints(t, s, `
import ctypes, os
status = dict(line.strip().replace("\t", "").split(":", 1) for line in open("/proc/self/status"))
print(os.getuid(), os.getgid(), int(status["CapEff"], 16), int(status["CapBnd"], 16))
libc = ctypes.CDLL(None, use_errno=True)
def refused(result): return result != 0
print(refused(libc.mount(b"x", b"/tmp", b"tmpfs", 0, None)), refused(libc.chroot(b"/tmp")), refused(libc.setuid(0)),
      refused(libc.sethostname(b"x", 1)), refused(libc.unshare(0x00020000)))`)
	if want := "1000 1000 0 0\nTrue True True True True"; got != want {
		t.Errorf("the session may: %s, want %s", got, want)
	}
}

func TestClonesDiffer(t *testing.T) {
	code := `import random, uuid, secrets, tempfile
print(random.random(), np.random.rand(), np.random.default_rng().random(), uuid.uuid4(), secrets.token_hex(), next(tempfile._get_candidate_names()))`
	one, other := prints(t, open(t, execution.Spec{}), code), prints(t, open(t, execution.Spec{}), code)
	others := strings.Fields(other)
	for i, value := range strings.Fields(one) {
		if value == others[i] {
			t.Errorf("two sessions draw the same %s", value)
		}
	}
}
