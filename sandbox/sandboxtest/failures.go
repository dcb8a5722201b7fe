package sandboxtest

import (
	"strings"
	"testing"
)

func failureCases() []testCase {
	return []testCase{
		{name: "name, message and the user's own lines", run: func(t *testing.T, s session) {
			s.ok(t, "def price(row):\n    return row['price'] * 2")
			f := s.fails(t, "df = pd.DataFrame({'a': [1]})\nx = 1\nprice(df)", "KeyError")
			if f.Message != "price" {
				t.Errorf("the message is %q", f.Message)
			}
			contains(t, "the traceback", f.Traceback, "line 3", "price(df)", "line 2, in price", "return row['price'] * 2", "KeyError: 'price'")
			for _, hidden := range []string{"pandas", "markkernel", "\x1b", "site-packages"} {
				if strings.Contains(f.Traceback, hidden) {
					t.Errorf("the traceback has %q in it:\n%s", hidden, f.Traceback)
				}
			}
		}},
		{name: "a cause of the user's own is told", run: func(t *testing.T, s session) {
			f := s.fails(t, "try:\n    1/0\nexcept ZeroDivisionError as e:\n    raise RuntimeError('second') from e", "RuntimeError")
			contains(t, "the traceback", f.Traceback, "ZeroDivisionError", "direct cause", "RuntimeError: second")
		}},
		{name: "syntax errors", run: func(t *testing.T, s session) {
			f := s.fails(t, "x = 1\ny = (2", "SyntaxError")
			contains(t, "the message", f.Message, "line 2")
			contains(t, "the traceback", f.Traceback, "y = (2", "^")
			s.fails(t, "x", "NameError")
			contains(t, "the message", s.fails(t, "!ls", "SyntaxError").Message, "shell commands")
			s.fails(t, "if 1:\nx", "IndentationError")
			s.fails(t, "a\x00b", "SyntaxError")
		}},
		{name: "leaving is a failure, not the end", run: func(t *testing.T, s session) {
			for _, leave := range []string{"exit()", "quit(3)", "import sys; sys.exit('bye')", "raise SystemExit"} {
				s.fails(t, "kept = 5\n"+leave, "SystemExit")
			}
			s.prints(t, "print(kept)", "5\n")
		}},
		{name: "input says why not", run: func(t *testing.T, s session) {
			contains(t, "the message", s.fails(t, "input('name?')", "RuntimeError").Message, "input()")
		}},
		{name: "an interrupt of one's own", run: func(t *testing.T, s session) {
			s.fails(t, "raise KeyboardInterrupt", "KeyboardInterrupt")
			s.fails(t, "import os, signal, time\nos.kill(os.getpid(), signal.SIGINT)\ntime.sleep(5)", "KeyboardInterrupt")
		}},
		{name: "exceptions that misbehave", run: func(t *testing.T, s session) {
			s.fails(t, "class Bad(Exception):\n    def __str__(self): raise ValueError\nraise Bad", "Bad")
			f := s.fails(t, "raise ValueError('x' * 1_000_000)", "ValueError")
			if len(f.Message) > 20_000 || len(f.Traceback) > 50_000 {
				t.Errorf("message of %d bytes, traceback of %d", len(f.Message), len(f.Traceback))
			}
			f = s.fails(t, "raise ValueError('\\x1b[31mred\\x00 \\u202e\\U000e0041')", "ValueError")
			if strings.ContainsAny(f.Message+f.Traceback, "\x1b\x00\u202e\U000e0041") {
				t.Errorf("hidden characters in %q", f.Message)
			}
			s.fails(t, "class Empty(BaseException): pass\nraise Empty", "Empty")
			s.fails(t, "class Leaves(Exception):\n    def __str__(self): raise SystemExit\nraise Leaves", "Leaves")
			s.fails(t, "raise SyntaxError(5)", "SyntaxError")
			f = s.fails(t, "raise type('L' * 1_000_000, (Exception,), {})", strings.Repeat("L", 199)+"…")
			if len(f.Traceback) > 50_000 {
				t.Errorf("a traceback of %d bytes", len(f.Traceback))
			}
			s.fails(t, "class Meta(type):\n    __name__ = property(lambda c: 1/0)\nclass Odd(Exception, metaclass=Meta): pass\nraise Odd", "Odd")
			if f = s.fails(t, "import sys\nsys.exit('x' * 10_000_000)", "SystemExit"); len(f.Message) > 1000 {
				t.Errorf("a message of %d bytes", len(f.Message))
			}
			s.fails(t, "class Shy:\n    def __repr__(self): raise LookupError('no repr')\nShy()", "LookupError")
		}},
		{name: "endless recursion", run: func(t *testing.T, s session) {
			f := s.fails(t, "def f(): f()\nf()", "RecursionError")
			if len(f.Traceback) > 50_000 {
				t.Errorf("a traceback of %d bytes", len(f.Traceback))
			}
		}},
		{name: "what code set to interrupt itself ends with its step", run: func(t *testing.T, s session) {
			s.ok(t, `import signal, sys, time
def late(*_): raise TimeoutError("too late")
signal.signal(signal.SIGALRM, late)
signal.setitimer(signal.ITIMER_REAL, 0.2);`)
			s.prints(t, "time.sleep(0.4)\nprint('on')", "on\n")
			s.fails(t, "signal.setitimer(signal.ITIMER_REAL, 0.05)\ntime.sleep(5)", "TimeoutError")
		}},
		{name: "hardly any recursion is allowed", run: func(t *testing.T, s session) {
			s.fails(t, "import sys\nsys.setrecursionlimit(25)\ndef f(n): return f(n + 1)\nf(0)", "RecursionError")
			s.one(t, "pd.DataFrame({'a': [1]})", "application/vnd.mark.table+json")
		}},
		{name: "a group of exceptions", run: func(t *testing.T, s session) {
			f := s.fails(t, "raise ExceptionGroup('both', [ValueError('a'), TypeError('b')])", "ExceptionGroup")
			contains(t, "the traceback", f.Traceback, "ValueError: a", "TypeError: b")
		}},
		{name: "more memory than there is", run: func(t *testing.T, s session) {
			s.ok(t, "kept = 1")
			s.fails(t, "np.ones(10**14)", "MemoryError")
			s.prints(t, "print(kept)", "1\n")
		}},
		{name: "a thread's exception is told and ends nothing", run: func(t *testing.T, s session) {
			o := s.ok(t, "import threading\nt = threading.Thread(target=lambda: 1/0)\nt.start()\nt.join()\nprint('on')")
			contains(t, "stderr", o.stderr, "ZeroDivisionError")
			contains(t, "stdout", o.stdout, "on")
		}},
		{name: "code that is empty, or only a comment", run: func(t *testing.T, s session) {
			for _, code := range []string{"", "\n\n", "# nothing", "pass"} {
				if o := s.ok(t, code); len(o.order) != 0 {
					t.Errorf("%q showed %v", code, o.order)
				}
			}
		}},
		{name: "code that is too long", run: func(t *testing.T, s session) {
			s.fails(t, "#"+strings.Repeat("x", 2<<20), "ValueError")
			s.fails(t, "\xff\xfe", "ValueError")
			s.prints(t, "print(1)", "1\n")
		}},
	}
}
