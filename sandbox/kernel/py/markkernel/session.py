"""The life of the process: warm, start, steps, end."""

import json
import os
import platform
import queue
import random
import signal
import sys
import tempfile
import threading

from . import accidents, hostmodule, preamble, processes, wire
from .budget import Budget
from .calls import Calls
from .display import Display
from .files import Folder
from .interrupts import Interrupts
from .leftout import LeftOut
from .runner import Runner
from .streams import Streams


def main(warm):
    interrupts = Interrupts()
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    channel = wire.Channel(interrupts)
    if warm:
        preamble.warm(_warming())
        channel.greet(wire.NO_SENTINEL, wire.WARM, _hello())
    try:
        Session(channel, interrupts).run()
    except BaseException:
        accidents.end_process()


def _warming():
    """Returns a Display that shows to nobody."""
    display = Display(_Nowhere(), _Nowhere())
    limits = {"artifacts": 100, "artifact": 1 << 30, "artifactsTotal": 1 << 30}
    display.begin(100, Budget(limits, wire.NO_SENTINEL), LeftOut())
    return display


class _Nowhere:
    """Takes the frames of warming up."""

    is_open = is_here = True

    def send(self, *_frame):
        pass

    send_json = send_artifact = sync = send


def _hello():
    return {"protocol": wire.PROTOCOL, "python": platform.python_version()}


class Session:
    def __init__(self, channel, interrupts):
        self._channel = channel
        self._interrupts = interrupts
        self._calls = Calls(channel, interrupts)
        self._runner = None
        self._limits = None

    def run(self):
        """Does what the host asks until it is gone."""
        # Until the start there is one thread, and no pipe: what is checkpointed
        # is as simple as can be.
        frame = self._channel.receive()
        if frame is None or frame[0] != wire.START:
            return
        requests = queue.SimpleQueue()
        requests.put(frame)
        threading.Thread(target=self._listen, args=(requests,), name="mark-requests", daemon=True).start()
        while True:
            kind, sentinel, payload = requests.get()
            if kind == wire.START:
                self._start(json.loads(payload))
                self._channel.greet(sentinel, wire.READY, _hello())
            else:
                self._runner.step(sentinel, payload.decode(), self._limits)

    def _listen(self, requests):
        try:
            self._take_frames(requests)
        except BaseException:
            accidents.end_process()
        os._exit(0)

    def _take_frames(self, requests):
        while frame := self._channel.receive():
            kind, sentinel, payload = frame
            if kind in (wire.START, wire.EXECUTE):
                requests.put(frame)
            elif kind == wire.INTERRUPT and sentinel == self._channel.sentinel:
                self._interrupts.request("interrupt")
            elif kind == wire.ANSWER and sentinel == self._channel.sentinel:
                self._calls.take(payload)

    def _start(self, start):
        self._limits = start["limits"]
        if self._runner is None:
            self._build(start)
            processes.limit(self._limits["memory"], self._limits["processes"])
            if start.get("touch"):
                preamble.touch()
                self._runner.rehearse(preamble.REHEARSAL, self._limits)
            # Whatever the above has drawn, siblings draw something else from here on.
            _reseed(bytes.fromhex(start["entropy"]))
        else:
            self._folder.enter(start["input"], start["files"])

    def _build(self, start):
        self._folder = Folder(start["work"])
        self._folder.enter(start["input"], start["files"])
        self._folder.mark_seen()
        streams = Streams(self._channel, self._interrupts)
        display = Display(self._channel, streams)
        hostmodule.install(self._calls)
        module = preamble.namespace(display)
        sys.argv = [""]
        processes.adopt()
        os.register_at_fork(before=streams.flush, after_in_child=self._channel.forget)
        os.register_at_fork(after_in_child=streams.after_fork)
        self._runner = Runner(self._channel, self._interrupts, streams, display, self._folder, self._calls, module)


def _reseed(entropy):
    """Makes a clone of a checkpoint differ from its siblings. What asks the
    system for randomness each time (secrets, uuid4, numpy's default_rng) does so
    by itself."""
    import multiprocessing
    import uuid

    import numpy

    random.seed(entropy)
    numpy.random.seed([int.from_bytes(entropy[i : i + 4], "big") for i in range(0, len(entropy), 4)])
    tempfile._name_sequence = None
    uuid._node = uuid._last_timestamp = None
    multiprocessing.current_process().authkey = entropy
