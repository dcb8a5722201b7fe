# Runs in the interpreter of a Daytona context, as the first code there: defines
# the relay, which starts the kernel as a process of its own and carries its bytes
# over a stream that is made for short lines of text. README.md says why.

import base64 as _b64, hashlib as _hashlib, json as _json, os as _os, select as _select
import signal as _signal, socket as _socket, subprocess as _subprocess, sys as _sys, threading as _threading, time as _time


class _Relay:
    """Output goes as numbered lines, of which at most `window` are on their way;
    input comes as numbered files. Both survive a connection that breaks."""

    PIECE = 24 << 10  # bytes of the kernel's in one line
    ROTATE = 512  # lines of one run: whoever listens keeps all that it heard
    HEADER = 21  # bytes before a frame's payload: length, type, sentinel

    def __init__(self, config):
        self.config = config
        # An interrupt in the middle would lose what was read and not yet kept. Who
        # means to end this process has a stronger one.
        _signal.signal(_signal.SIGINT, _signal.SIG_IGN)
        for folder in (config["work"], config["input"], config["spool"], config["parts"], config["temp"]):
            _os.makedirs(folder, exist_ok=True)
        self.kernel = None
        self.placed = set()
        self.lines = []  # sent and not acknowledged, or still to be sent: (number, text)
        self.last = 0  # number of the newest line
        self.acked = 0
        self.taken = 0  # number of the newest input file
        self.pending = b""  # input that the kernel has not read
        self.ended = True  # no step is going on
        self.head = b""  # of the frame that is passing
        self.left = 0  # bytes of its payload to come
        self.detach = False
        self.reached = []
        self.resolved = False
        self.probes = []
        for address in config["probe"]:
            self.probes.append(_threading.Thread(target=self._connect, args=(address,), daemon=True))
        if config["resolve"]:
            self.probes.append(_threading.Thread(target=self._resolve, args=(config["resolve"],), daemon=True))
        for probe in self.probes:
            probe.start()

    # ---- the network, before any code of a user's has run

    def _connect(self, address):
        host, _, port = address.rpartition(":")
        try:
            _socket.create_connection((host.strip("[]"), int(port)), timeout=self.config["patience"]).close()
        except OSError:
            return
        self.reached.append(address)

    def _resolve(self, name):
        try:
            self.resolved = bool(_socket.getaddrinfo(name, 443))
        except OSError:
            pass

    # ---- calls before the first run; each may come again, after an answer was lost

    def start(self, token):
        """Starts the kernel and tells what the network let through."""
        if self.kernel is None:
            self._start_kernel()
        until = _time.monotonic() + self.config["patience"] + 1
        for probe in self.probes:
            probe.join(max(0.0, until - _time.monotonic()))
        self._say(token, {"reached": sorted(self.reached), "resolved": self.resolved, "python": _sys.version.split()[0]})

    def _start_kernel(self):
        config = self.config
        with open(config["kernel"], "rb") as archive:
            if _hashlib.sha256(archive.read()).hexdigest() != config["hash"]:
                raise ValueError("the kernel did not arrive whole")
        # The kernel dies with this process, whatever it is busy with.
        tied = (
            "import ctypes, os, sys; ctypes.CDLL(None).prctl(1, 9); "
            "os.getppid() == int(sys.argv[1]) and os.execv(sys.argv[2], sys.argv[2:])"
        )
        argv = [_sys.executable, "-I", "-S", "-c", tied, str(_os.getpid()), _sys.executable] + config["argv"]
        env = dict(pair.split("=", 1) for pair in config["env"])
        env["PATH"] = _os.environ.get("PATH", "/usr/bin:/bin")
        self.stderr = open(config["stderr"], "w+b")
        self.kernel = _subprocess.Popen(
            argv, stdin=_subprocess.PIPE, stdout=_subprocess.PIPE, stderr=self.stderr,
            env=env, cwd="/", bufsize=0, start_new_session=True,
        )
        _os.set_blocking(self.kernel.stdin.fileno(), False)

    def place(self, token, files):
        """Makes the inputs of the parts that were uploaded."""
        for file in files:
            if file["name"] in self.placed:
                continue
            path = _os.path.join(self.config["input"], file["name"])
            digest = _hashlib.sha256()
            if _os.path.lexists(path):  # of a former kernel here, and read-only
                _os.unlink(path)
            with open(path, "wb") as whole:
                for part in file["parts"]:
                    with open(part, "rb") as piece:
                        while data := piece.read(1 << 20):
                            digest.update(data)
                            whole.write(data)
            if digest.hexdigest() != file["hash"]:
                raise ValueError("an input did not arrive whole")
            _os.chmod(path, 0o444)
            self.placed.add(file["name"])
            for part in file["parts"]:
                _os.unlink(part)
        self._say(token, {})

    @staticmethod
    def _say(token, value):
        print("= ok", token, _b64.b64encode(_json.dumps(value).encode()).decode(), flush=True)

    # ---- the relay proper

    def run(self, need, have, seen):
        """Carries until the step that input file number `need` begins has ended.
        The reader has all lines up to `have`, and has used those up to `seen`."""
        self._acknowledge(seen)
        self.detach = False
        sent = first = have
        idle = 0
        while True:
            for number, text in self.lines:
                if number > sent:
                    # One call: an interpreter sends what each call writes.
                    _sys.stdout.write(f"{number} {text}\n")
                    sent = number
            if self.taken >= need and self.ended:
                print("= end", sent, flush=True)
                return
            if self.detach or sent - first >= self.ROTATE:
                print("= more", sent, flush=True)
                return
            out, into = self.kernel.stdout.fileno(), self.kernel.stdin.fileno()
            poll = _select.poll()  # a full window is not even asked whether the kernel is there
            if len(self.lines) < self.config["window"]:
                poll.register(out, _select.POLLIN)
            if self.pending:
                poll.register(into, _select.POLLOUT)
            # Looking for a file is cheap; a wait that grows with silence keeps it so.
            ready = poll.poll(min(20, 1 + idle // 20))
            for fd, _ in ready:
                if fd == out and not self._read(out):
                    return self._gone(sent)
                if fd == into and not self._write(into):
                    self.pending = b""
            idle = 0 if self._take() or ready else idle + 1

    def _read(self, fd):
        data = _os.read(fd, self.PIECE)
        if not data:
            return False
        self.last += 1
        self.lines.append((self.last, _b64.b64encode(data).decode()))
        self._follow(data)
        return True

    def _follow(self, data):
        """Watches the frames pass, to know when a step has ended. User code can
        forge one; whoever reads the frames notices and believes nothing."""
        at = 0
        while at < len(data):
            if self.left:
                step = min(self.left, len(data) - at)
                self.left -= step
                at += step
            else:
                step = min(self.HEADER - len(self.head), len(data) - at)
                self.head += data[at : at + step]
                at += step
                if len(self.head) < self.HEADER:
                    return
                self.left = int.from_bytes(self.head[:4], "big")
            if not self.left:
                if self.head[4:5] in (b"d", b"r"):
                    self.ended = True
                self.head = b""

    def _write(self, fd):
        try:
            self.pending = self.pending[_os.write(fd, self.pending) :]
        except BlockingIOError:
            pass
        except OSError:
            return False
        return True

    def _take(self):
        """Takes the next input file if it is there, and whole."""
        path = _os.path.join(self.config["spool"], f"{self.taken + 1:08d}")
        try:
            with open(path, "rb") as file:
                data = file.read()
        except OSError:
            return False
        line, _, body = data.partition(b"\n")
        try:
            head = _json.loads(line)
            if head["hash"] != _hashlib.sha256(body).hexdigest():
                return False
        except (ValueError, KeyError, TypeError):
            return False  # still being written
        self.taken += 1
        try:
            _os.unlink(path)
        except OSError:
            pass
        self._acknowledge(head["seen"])
        self.detach = self.detach or head["detach"]
        if head["begins"]:
            self.ended = False
        self.pending += body
        return True

    def _acknowledge(self, seen):
        self.acked = max(self.acked, seen)
        while self.lines and self.lines[0][0] <= self.acked:
            self.lines.pop(0)

    def _gone(self, sent):
        """The kernel has ended: says how, for the log."""
        try:
            code = self.kernel.wait(2)
        except _subprocess.TimeoutExpired:  # it only closed its descriptors
            self.kernel.kill()
            code = self.kernel.wait()
        self.stderr.seek(0, 2)
        self.stderr.seek(max(0, self.stderr.tell() - 2000))
        info = {"code": code, "stderr": self.stderr.read().decode("utf-8", "replace")}
        print("= gone", sent, _b64.b64encode(_json.dumps(info).encode()).decode(), flush=True)
