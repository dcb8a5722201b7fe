package fuzz

// misdeeds are statements that an ordinary program has not: what takes all that
// there is, what leaves things in a mess, and what attacks the wire.
func misdeeds() []rule {
	var all []rule
	for _, code := range []string{
		"import sys; sys.exit(3)",
		"import sys; sys.setrecursionlimit(60)",
		"import sys; sys.setrecursionlimit(50_000)",
		"import sys; sys.stdout = None",
		"import sys; sys.stdout.close()",
		"import os; os.close(1); os.close(2)",
		"import os; os.write(1, bytes(range(256)) * 50)",
		"for i in range(3_000): print('line', i)",
		"print('x' * 3_000_000)",
		"print('\\ud83d' * 3_000, '🐧' * 30_000)",
		"'🐧' * 30_000",
		"def r(n): return r(n + 1)\nr(0)",
		"b = np.ones(10**13)",
		"kept_ = [bytearray(1 << 20) for _ in range(100_000)]",
		"opened = [open('/dev/null') for _ in range(100_000)]",
		"with open('/dev/full', 'w') as h: h.write('x' * 100_000)",
		"import threading, time\nfor _ in range(100): threading.Thread(target=time.sleep, args=(0.2,)).start()",
		"import signal; signal.setitimer(signal.ITIMER_REAL, 0.01); signal.signal(signal.SIGALRM, lambda *_: 1 / 0)",
		"import signal; signal.signal(signal.SIGINT, signal.SIG_IGN)",
		"import signal, os; os.kill(os.getpid(), signal.SIGINT)",
		"import subprocess, sys; subprocess.run([sys.executable, '-I', '-c', 'print(1); import os; os.write(2, b\"\\\\xff\" * 99)'])",
		"import subprocess, sys; subprocess.Popen([sys.executable, '-I', '-c', 'while True: print(7)'])",
		"import os\nif not os.fork():\n    while True: pass",
		"import threading\ndef late():\n    for _ in range(300): display(1)\nthreading.Thread(target=late, daemon=True).start()",
		"import gc; gc.collect()",
		"import warnings; warnings.simplefilter('error')",
		"import os; os.chdir('/tmp')",
		"import os, shutil\nfor n in os.listdir('.'): shutil.rmtree(n, ignore_errors=True)",
		"import mark\ntry: mark.files()\nexcept mark.Error as e: print(e)",
		"import mark\nfor n in range(200): mark.progress(n, n)",
		"deep = []\nfor _ in range(3_000): deep = [deep]\ndisplay_json(deep)",
		"import decimal; decimal.getcontext().prec = 1",
		"plt.figure(figsize=(300, 300)); plt.plot([1])",
		"pd.DataFrame([['é' * 2_000] * 300] * 60)",
		"pd.DataFrame([[1]], columns=[('a', None)], index=[float('nan')])",
	} {
		all = append(all, rule{1, func(*generator, int) string { return code }})
	}
	seldom := func(code string, harmful bool) {
		all = append(all, rule{1, func(g *generator, depth int) string {
			if g.rng.IntN(4) > 0 {
				return g.name() + " = " + g.expression(depth)
			}
			g.harmful = g.harmful || harmful
			return code
		}})
	}
	for _, code := range []string{ // these take their time
		"while True: pass",
		"import time; time.sleep(60)",
		"while True:\n    try:\n        while True: pass\n    except BaseException: pass",
		"while True: print('y' * 10_000)",
	} {
		seldom(code, false)
	}
	for _, code := range []string{
		"import os; os._exit(0)",
		"import os, signal; os.kill(os.getpid(), signal.SIGKILL)",
		"import ctypes; ctypes.string_at(0)",
		"import os; os.closerange(3, 1000)",
		wire + "send(b'junk' * 50)",
		wire + "send(frame(b'd', b'{\"truncated\":false,\"stopped\":\"\"}'))",
		wire + "send(frame(b'd', b'{}')[:20])",
		wire + "send(frame(b'1', b'x') * 5_000)",
		wire + "send(frame(b'o', b'{\"mimeType\":\"text/html\",\"text\":\"x\"}'))",
		wire + "send(frame(b'a', b'{\"name\":\"x\",\"kind\":\"file\"}'))",
		wire + "channel._in_step = False",
	} {
		seldom(code, true)
	}
	return all
}

// wire is how code reaches the kernel's own channel.
const wire = `import gc, os, struct
channel = next(o for o in gc.get_objects() if type(o).__name__ == "Channel")
def frame(kind, payload): return struct.pack(">I1s16s", len(payload), kind, channel.sentinel) + payload
def send(data): os.write(channel._out, data)
`
