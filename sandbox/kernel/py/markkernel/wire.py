"""Frames on the two descriptors that connect the kernel with its host."""

import fcntl
import json
import os
import struct
import threading

PROTOCOL = 1
NO_SENTINEL = bytes(16)

START, EXECUTE, INTERRUPT, ANSWER = b"S", b"X", b"I", b"A"
WARM, READY, STDOUT, STDERR, OUTPUT = b"w", b"r", b"1", b"2", b"o"
ARTIFACT, BYTES, FILE_END, DONE = b"a", b"b", b"z", b"d"
CALL, PROGRESS = b"c", b"p"

_HEADER = struct.Struct(">I1s16s")

# Most bytes of a frame from the host, and of one piece of a file to it.
_MOST_IN = 1 << 20
MOST_CALL = 1 << 20
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
    """The kernel's end. Frames may be sent by any thread; each goes whole.

    `guard` is entered while a frame is being sent, so that an interrupt cannot
    cut it in two.
    """

    def __init__(self, guard):
        self._in = out_of_the_way(0)
        self._out = out_of_the_way(1)
        self._lock = threading.Lock()
        self._guard = guard
        self.sentinel = NO_SENTINEL

    @property
    def is_open(self):
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

    def send(self, kind, payload=b""):
        """Sends one frame, blocking while the host does not read. A host that is
        gone ends the process."""
        data = memoryview(_HEADER.pack(len(payload), kind, self.sentinel) + payload)
        with self._guard, self._lock:
            if self._out < 0:
                return
            try:
                while data:
                    data = data[os.write(self._out, data) :]
            except OSError:
                os._exit(1)

    def send_json(self, kind, value):
        text = json.dumps(value, ensure_ascii=False, allow_nan=False, separators=(",", ":"))
        self.send(kind, text.encode("utf-8", "replace"))

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
