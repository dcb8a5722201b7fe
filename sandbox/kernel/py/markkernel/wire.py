"""Frames on the two descriptors that connect the kernel with its host."""

import contextlib
import fcntl
import json
import os
import struct
import threading

PROTOCOL = 2
NO_SENTINEL = bytes(16)

START, EXECUTE, INTERRUPT, ANSWER = b"S", b"X", b"I", b"A"
WARM, READY, STDOUT, STDERR, OUTPUT = b"w", b"r", b"1", b"2", b"o"
ARTIFACT, BYTES, FILE_END, DONE = b"a", b"b", b"z", b"d"
CALL, PROGRESS, FACTS = b"c", b"p", b"f"

_HEADER = struct.Struct(">I1s16s")

# Most bytes of a frame from the host, and of one piece of a file to it.
_MOST_IN = 1 << 20
MOST_CALL = 1 << 20
MOST_OUTPUT = 6 << 20
PIECE = 256 << 10

# Programs that turn themselves into daemons close the low descriptors.
_HIGH = 200


def out_of_the_way(fd):
    """Duplicates fd to where user code does not meet it by chance, and where no
    program that is started inherits it."""
    try:
        return fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, _HIGH)
    except OSError:  # fewer descriptors are allowed
        return fcntl.fcntl(fd, fcntl.F_DUPFD_CLOEXEC, 3)


class Channel:
    """The kernel's end. Frames may be sent by any thread; each goes whole, and
    so does an artifact.

    `guard` is entered while something is being sent, so that an interrupt cannot
    cut it in two. Between steps nothing is sent: what a thread that outlived its
    step would show belongs to no step, and the host would take it for a forgery.
    """

    def __init__(self, guard):
        self._in = out_of_the_way(0)
        self._out = out_of_the_way(1)
        self._lock = threading.Lock()
        self._guard = guard
        self._in_step = False
        self.sentinel = NO_SENTINEL

    @property
    def is_open(self):
        """Tells whether what is shown now can reach the host."""
        return self._out >= 0 and self._in_step

    @property
    def is_here(self):
        """Tells a kernel from a forked child of it."""
        return self._out >= 0

    def forget(self):
        """In a forked child: the channel is the parent's alone."""
        for fd in (self._in, self._out):
            try:
                os.close(fd)
            except OSError:
                pass
        self._in = self._out = -1
        self._lock = threading.Lock()

    def begin(self, sentinel, facts):
        """Begins a step with its first frame."""
        with self._guard, self._lock:
            self.sentinel = sentinel
            self._write_json(FACTS, facts)
            self._in_step = True

    def end(self, done):
        """Ends a step with its last frame."""
        with self._guard, self._lock:
            self._in_step = False
            self._write_json(DONE, done)

    def greet(self, sentinel, kind, hello):
        """Sends a frame that belongs to no step."""
        with self._guard, self._lock:
            self.sentinel = sentinel
            self._write_json(kind, hello)

    @contextlib.contextmanager
    def unheard(self):
        """Until it is left, what is sent goes nowhere."""
        host, self._out = self._out, os.open(os.devnull, os.O_WRONLY | os.O_CLOEXEC)
        try:
            yield
        finally:
            os.close(self._out)
            self._out = host

    def send(self, kind, payload=b""):
        """Sends one frame of a step, blocking while the host does not read."""
        with self._guard, self._lock:
            if self._in_step:
                self._write(kind, payload)

    def send_json(self, kind, value):
        self.send(kind, _json(value))

    def send_artifact(self, sentinel, header, pieces):
        """Sends a file or a picture, in the step with this sentinel only: no other
        comes between its frames."""
        with self._guard, self._lock:
            if self._in_step and self.sentinel == sentinel:
                self._write_json(ARTIFACT, header)
                try:
                    for piece in pieces:
                        self._write(BYTES, piece)
                finally:
                    self._write(FILE_END)

    def _write_json(self, kind, value):
        self._write(kind, _json(value))

    def _write(self, kind, payload=b""):
        """A host that is gone ends the process."""
        data = memoryview(_HEADER.pack(len(payload), kind, self.sentinel) + payload)
        if self._out < 0:
            return
        try:
            while data:
                data = data[os.write(self._out, data) :]
        except OSError:
            os._exit(1)

    def receive(self):
        """Returns the next frame of the host's, (kind, sentinel, payload), or None
        when the host is gone."""
        header = self._read(_HEADER.size)
        if header is None:
            return None
        size, kind, sentinel = _HEADER.unpack(header)
        if size > _MOST_IN:
            return None
        payload = self._read(size)
        if payload is None:
            return None
        return kind, sentinel, payload

    def _read(self, size):
        parts = []
        while size:
            part = os.read(self._in, min(size, 1 << 16))
            if not part:
                return None
            parts.append(part)
            size -= len(part)
        return b"".join(parts)


def _json(value):
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
    return text.encode("utf-8", "replace")
