"""Interrupts that reach user code and nothing else."""

import signal
import threading


class Interrupts:
    """Turns a request from another thread into KeyboardInterrupt in the main one.

    It is raised only between `open` and `close`, and not inside a `with` of this
    object: there it waits for the end of the block. Only the main thread has
    such blocks; in others `with` does nothing.
    """

    def __init__(self):
        self._main = threading.get_ident()
        self._active = False
        self._depth = 0
        self._pending = False
        self._why = ""
        # What the interrupt that user code met was for; "" when none.
        self.delivered = ""

    def open(self):
        # User code may have installed a handler of its own in an earlier step.
        signal.signal(signal.SIGINT, self._handle)
        self._pending = False
        self._depth = 0  # a signal handler of user code's may have broken a block off
        self._why = ""
        self.delivered = ""
        self._active = True

    def close(self):
        self._active = False

    def request(self, why):
        """Interrupts the main thread, out of a blocking system call too."""
        self._why = why
        if self._active:
            signal.pthread_kill(self._main, signal.SIGINT)

    def _handle(self, _signal, _frame):
        if not self._active:
            return
        if self._depth:
            self._pending = True
            return
        self._raise()

    def _raise(self):
        self._pending = False
        if self._why:
            self.delivered = self._why
        raise KeyboardInterrupt

    def __enter__(self):
        if threading.get_ident() == self._main:
            self._depth += 1

    def __exit__(self, *_exception):
        if threading.get_ident() == self._main:
            self._depth -= 1
            if self._pending and not self._depth and self._active:
                self._raise()
