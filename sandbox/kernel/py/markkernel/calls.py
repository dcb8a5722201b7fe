"""What user code asks of the host while a step runs, and the host's answers."""

import json
import queue
import threading
import time

from . import wire

_AT_ONCE = 4  # calls that wait
_PROGRESS_EVERY = 0.1  # seconds


class Refused(Exception):
    """The host's no, as a sentence."""


class Calls:
    """Sends calls and hands out the answers. Any thread may call.

    `guard` is entered before the lock, so that no interrupt leaves that taken: Python
    lets one come between a lock's taking and the block that gives it back.
    """

    def __init__(self, channel, guard):
        self._channel = channel
        self._guard = guard
        self._lock = threading.Lock()  # protects what follows
        self._is_open = False
        self._next = 0
        self._waiting = {}
        self._room = None  # a step's semaphore
        self._told = 0.0  # when some was told last
        self._at_end = False  # that was an end
        self._held = None  # what was said and not told

    def open(self):
        """A step begins."""
        with self._guard, self._lock:
            self._is_open = True
            # Another for each step: waiting for it is not guarded.
            self._room = threading.Semaphore(_AT_ONCE)
            self._told, self._at_end, self._held = 0.0, False, None

    def close(self):
        """A step has ended: threads that still wait get no answer."""
        with self._guard, self._lock:
            self._is_open = False
            if self._held:
                self._tell(0.0)
            for answer in self._waiting.values():
                answer.put({"error": "the step has ended"})
            self._waiting.clear()

    def ask(self, method, **arguments):
        """Asks the host and waits for its answer; raises Refused."""
        if not self._channel.is_here:
            raise Refused("a child process cannot ask the host")
        with self._room:
            answer = queue.SimpleQueue()
            self._send(method, arguments, answer)
            reply = answer.get()
        if error := reply.get("error"):
            raise Refused(error)
        return reply.get("result")

    def progress(self, done, total):
        """Tells how far a step is, ten times a second at most, an end at once, and
        what was said last always."""
        done, total = max(float(done), 0.0), max(float(total), 0.0)
        if done != done or total != total or float("inf") in (done, total):
            raise ValueError("progress takes two finite numbers")
        with self._guard, self._lock:
            if not self._is_open:
                return
            self._held = done, total
            now = time.monotonic()
            # Who knows no total says "n of n" each time: only the first end is at once.
            if now - self._told >= _PROGRESS_EVERY or (done == total and not self._at_end):
                self._tell(now)

    def _tell(self, now):
        (done, total), self._held = self._held, None
        self._told, self._at_end = now, done == total
        self._channel.send_json(wire.PROGRESS, {"done": done, "total": total})

    def take(self, payload):
        """Takes an answer of the host's; called by the thread that listens."""
        reply = json.loads(payload)
        with self._guard, self._lock:
            answer = self._waiting.pop(reply.get("id"), None)
        if answer is not None:
            answer.put(reply)

    def _send(self, method, arguments, answer):
        with self._guard, self._lock:
            if not self._is_open:
                raise Refused("the host answers only while a step runs")
            self._next += 1
            number = self._next
            frame = {"id": number, "method": method, "args": arguments}
            if len(json.dumps(frame)) > wire.MOST_CALL:
                raise Refused("what is asked is too long")
            self._waiting[number] = answer
            self._channel.send_json(wire.CALL, frame)
