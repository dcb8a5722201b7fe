"""Standard output and error, at the level of file descriptors."""

import array
import codecs
import collections
import fcntl
import io
import os
import queue
import select
import sys
import termios
import threading
import time

from . import accidents, wire

_READ = 15 << 10  # bytes; each may become three when it is no UTF-8
_QUIET = 0.02  # seconds between two small chunks
_FLUSH = 0.03  # seconds before a line without an end is shown
_SYNC, _STOP = "sync", "stop"
_FLOOD_TIMES, _FLOOD_LEAST = 32, 32 << 20


class Streams:
    """Puts pipes in the place of descriptors 1 and 2, and /dev/null in that of 0.

    The pipes are read only while a step runs (`begin` to `end`); what comes later
    waits in them for the next step.
    """

    def __init__(self, channel, interrupts):
        self._channel = channel
        self._interrupts = interrupts
        self._reads, self._writes = [], []
        for fd in (1, 2):
            read, write = os.pipe()
            self._reads.append(wire.out_of_the_way(read))
            self._writes.append(wire.out_of_the_way(write))
            os.close(read)
            os.close(write)
        null = os.open(os.devnull, os.O_RDONLY)
        os.dup2(null, 0)
        os.close(null)
        self._connect()
        self._out = self._wrap(1)
        self._err = self._wrap(2)
        wake, waker = os.pipe()
        self._wake, self._waker = wire.out_of_the_way(wake), wire.out_of_the_way(waker)
        os.close(wake)
        os.close(waker)
        self._pump = None
        self._before_fork = None
        self._pumps = queue.SimpleQueue()
        self._in_step = threading.Event()
        # Started once: user code may leave no room for another thread.
        threading.Thread(target=self._run_pumps, name="mark-output", daemon=True).start()
        threading.Thread(target=self._flush_often, name="mark-flush", daemon=True).start()

    def _run_pumps(self):
        try:
            while True:
                self._pumps.get().run()
        except BaseException:
            accidents.end_process()

    def _flush_often(self):
        # Not by the pump: flushing waits for whoever is writing, and who is
        # writing to a full pipe waits for the pump.
        while True:
            self._in_step.wait()
            time.sleep(_FLUSH)
            try:
                self.flush()
            except MemoryError:  # user code has left none
                pass

    def _connect(self):
        """Undoes what user code may have done to the descriptors."""
        for fd, write in zip((1, 2), self._writes):
            os.dup2(write, fd)

    @staticmethod
    def _wrap(fd):
        raw = io.FileIO(fd, "w", closefd=False)
        return io.TextIOWrapper(
            io.BufferedWriter(raw), encoding="utf-8", errors="backslashreplace", line_buffering=True
        )

    def begin(self, limit):
        self._pump = _Pump(self._channel, self._interrupts, self._reads, (self._wake, self._waker), limit)
        self._pumps.put(self._pump)
        # What user code has put there goes first, and where the pump reads: as it ends
        # it may write, and close what it was made over.
        sys.stdout = sys.__stdout__ = sys.stderr = sys.__stderr__ = None
        self._connect()
        if _is_closed(self._out):
            self._out = self._wrap(1)
        if _is_closed(self._err):
            self._err = self._wrap(2)
        sys.stdout = sys.__stdout__ = self._out
        sys.stderr = sys.__stderr__ = self._err
        sys.stdin = sys.__stdin__ = io.TextIOWrapper(io.BytesIO())
        self._in_step.set()

    def flush(self):
        """Empties Python's own buffers into the pipes, also those of a stream that
        user code has put over one."""
        theirs = (getattr(sys, name, None) for name in ("stdout", "stderr"))
        for stream in (*filter(self._is_plain, theirs), self._out, self._err):
            try:
                io.TextIOWrapper.flush(stream)
            except (OSError, ValueError):  # closed by user code
                pass

    def _is_plain(self, stream):
        """Tells a stream of user code's that is flushed by none of that code, and into
        nothing but a pipe that the pump reads."""
        try:
            return (
                stream is not self._out
                and stream is not self._err
                and type(stream) is io.TextIOWrapper
                and type(stream.buffer) is io.BufferedWriter
                and type(stream.buffer.raw) is io.FileIO
                and any(os.path.sameopenfile(stream.buffer.raw.fileno(), write) for write in self._writes)
            )
        except (OSError, ValueError):  # closed by user code
            return False

    def after_fork(self):
        """In a forked child: other threads are gone and may have left a stream
        locked. The old ones are kept, for ending them would wait for the lock."""
        self._before_fork = self._out, self._err
        self._out, self._err = self._wrap(1), self._wrap(2)
        for name, old, new in (("stdout", self._before_fork[0], self._out), ("stderr", self._before_fork[1], self._err)):
            if getattr(sys, name) is old:
                setattr(sys, name, new)

    def sync(self):
        """Sends what was printed so far, so that what is sent next comes after it."""
        pump = self._pump  # a thread that outlives the step asks while it ends
        if pump and self._channel.is_open:
            self.flush()
            pump.ask(_SYNC)

    def end(self):
        """Sends the rest; returns whether some was dropped."""
        self._in_step.clear()
        self.flush()
        pump, self._pump = self._pump, None
        pump.ask(_STOP)
        return pump.truncated


def _is_closed(stream):
    try:
        return stream.closed
    except ValueError:  # user code has detached what it was made over
        return True


class _Pump:
    """Reads both pipes during one step and sends chunks: at once after silence,
    else gathered, so that many small prints are few frames."""

    def __init__(self, channel, interrupts, reads, wake, limit):
        self._channel = channel
        self._interrupts = interrupts
        self._reads = reads
        self._kinds = dict(zip(reads, (wire.STDOUT, wire.STDERR)))
        decoder = codecs.getincrementaldecoder("utf-8")
        self._decoders = {fd: decoder("replace") for fd in reads}
        self._held = {fd: [] for fd in reads}
        self._size = 0
        self._sent_at = 0.0
        self._left = limit
        self._dropped = 0
        self._flood = max(_FLOOD_LEAST, _FLOOD_TIMES * limit)
        self._wake, self._waker = wake
        self._asked = collections.deque()  # of (command, queue of the answer)
        self._over = False
        self.truncated = False

    def ask(self, command):
        """Has everything sent that is in the pipes now, and waits for it, unless
        the step is over. A wait that is interrupted leaves a request that nobody
        waits for, no more."""
        done = queue.SimpleQueue()  # no lock of it is left taken by an interrupt
        self._asked.append((command, done))
        # Asked before it is looked at, as the pump looks after it is over: one of
        # the two sees the other, and neither holds a lock while it is interrupted.
        if self._over:
            return
        os.write(self._waker, b"!")
        done.get()

    def run(self):
        poll = select.poll()
        for fd in (*self._reads, self._wake):
            poll.register(fd, select.POLLIN)
        stopped = False
        while True:
            try:
                stopped = stopped or self._turn(poll)
                if stopped:
                    return self._dismiss()
            except MemoryError:  # user code has left none; some comes back
                self.truncated = True
                time.sleep(_QUIET)

    def _turn(self, poll):
        """Reads what is there and sends what is due; returns whether that is the end."""
        wait = None
        if self._size or self._asked:
            wait = 0 if self._asked else max(0.0, self._sent_at + _QUIET - time.monotonic()) * 1000
        ready = {fd for fd, _ in poll.poll(wait)}
        for fd in self._reads:
            if fd in ready:
                self._take(fd, _READ)
        if self._size >= _READ or time.monotonic() >= self._sent_at + _QUIET:
            self._send()
        if self._wake in ready:
            os.read(self._wake, _READ)
        return self._obey()

    def _obey(self):
        """Does what was asked for; returns whether that was to end."""
        stop = False
        while self._asked and not stop:
            command, done = self._asked[0]
            for fd in self._reads:
                self._drain(fd)
            stop = command is _STOP
            if stop:
                for fd in self._reads:
                    self._hold(fd, self._decoders[fd].decode(b"", True))
            self._send()
            self._asked.popleft()
            done.put(None)
        return stop

    def _dismiss(self):
        """Lets go whoever asked too late."""
        self._over = True
        while self._asked:
            self._asked.popleft()[1].put(None)

    def _drain(self, fd):
        """Takes what is in the pipe now, not what arrives meanwhile."""
        waiting = array.array("i", [0])
        fcntl.ioctl(fd, termios.FIONREAD, waiting)
        left = waiting[0]
        while left > 0:
            left -= self._take(fd, min(left, _READ))
            if self._size >= _READ:
                self._send()

    def _take(self, fd, size):
        data = os.read(fd, size if self._left > 0 else 1 << 16)
        if self._left > 0:
            self._hold(fd, self._decoders[fd].decode(data))
        else:
            self._drop(len(data))
        return len(data)

    def _hold(self, fd, text):
        if not text:
            return
        data = text.encode("utf-8", "replace")
        if len(data) > self._left:
            whole = len(data)
            data = data[: self._left].decode("utf-8", "ignore").encode()
            self._left = 0
            self._drop(whole - len(data))
        else:
            self._left -= len(data)
        if data:
            self._held[fd].append(data)
            self._size += len(data)

    def _drop(self, size):
        self.truncated = True
        before = self._dropped // self._flood
        self._dropped += size
        if self._dropped // self._flood > before:
            self._interrupts.request("output")

    def _send(self):
        if not self._size:
            return
        for fd in self._reads:
            if self._held[fd]:
                data = b"".join(self._held[fd])
                self._held[fd].clear()
                self._channel.send(self._kinds[fd], data)
        self._size = 0
        self._sent_at = time.monotonic()
