"""One step: compile, run, show, report."""

import ast
import linecache
import os
import signal
import sys
import traceback

from . import failures
from .budget import Budget
from .facts import Facts
from .heap import Heap
from .leftout import LeftOut
from .processes import Reserve, end_children
from .usage import Usage

_KEPT_SOURCES = 200
_LEAST_RECURSION = 1000  # Python's own


class Runner:
    """Runs steps in one namespace that outlives them."""

    def __init__(self, channel, interrupts, streams, display, folder, calls, module):
        self._channel = channel
        self._interrupts = interrupts
        self._streams = streams
        self._display = display
        self._folder = folder
        self._calls = calls
        self._module = module
        self._facts = Facts()
        self._reserve = Reserve()
        self._heap = Heap()
        self._pid = os.getpid()
        self._count = 0

    def step(self, sentinel, source, limits):
        """Runs source and sends everything that comes of it: what it says of
        itself first, the done frame last."""
        self._channel.begin(sentinel, self._facts.of(source))
        usage, left_out, budget = Usage(), LeftOut(), Budget(limits, sentinel)
        self._streams.begin(limits["output"])
        self._display.begin(limits["outputs"], budget, left_out)
        self._calls.open()
        failure = None
        self._interrupts.open()
        try:
            failure = self._guarded(source)
            if not self._interrupts.delivered:
                self._folder.send_new(self._channel, self._interrupts, budget, left_out)
        except KeyboardInterrupt:
            failure = failures.interrupted()
        except MemoryError as error:
            failure = failures.describe(error, _is_cell)
        self._interrupts.close()
        if self._interrupts.delivered:
            self._display.drop_open_figures()
        self._calls.close()
        end_children()
        truncated = self._streams.end()
        done = {
            "failure": failure,
            "truncated": truncated,
            "leftOut": left_out.frame(),
            "stopped": self._interrupts.delivered,
            "usage": usage.frame(),
        }
        # The room goes last: all that comes before takes some.
        self._heap.give_back()
        self._channel.end(done)
        self._reserve.give_back()

    def rehearse(self, source, limits):
        """Runs source as a step that nobody hears of and that leaves no trace, if
        source leaves none beside a last value: the first real one then finds in
        memory what a step needs."""
        with self._channel.unheard():
            self.step(self._channel.sentinel, source, limits)
        linecache.cache.pop(f"<cell {self._count}>", None)
        self._module.__dict__.pop("_", None)
        self._count = 0

    def _guarded(self, source):
        """Runs source; returns its failure or None. A KeyboardInterrupt comes out
        where it hits this function's own work."""
        failure = None
        try:
            try:
                self._run(source)
            finally:
                self._take_over()
        except BaseException as error:
            if os.getpid() != self._pid:
                self._end_child(error)
            failure = failures.describe(error, _is_cell)
        if os.getpid() != self._pid:
            self._end_child(None)
        if not self._interrupts.delivered:
            try:
                self._display.show_open_figures()
            except KeyboardInterrupt:
                raise
            except BaseException as error:  # a figure's own code may raise anything
                failure = failure or failures.describe(error, _is_cell)
        return failure

    def _take_over(self):
        """The kernel goes on where user code ended: with room, and without what
        that may have set to interrupt itself."""
        for timer in (signal.ITIMER_REAL, signal.ITIMER_VIRTUAL, signal.ITIMER_PROF):
            signal.setitimer(timer, 0)
        sys.setrecursionlimit(max(sys.getrecursionlimit(), _LEAST_RECURSION))
        self._reserve.take()

    def _run(self, source):
        self._count += 1
        name = f"<cell {self._count}>"
        linecache.cache[name] = (len(source), None, source.splitlines(True), name)
        linecache.cache.pop(f"<cell {self._count - _KEPT_SOURCES}>", None)
        tree = compile(source, name, "exec", ast.PyCF_ONLY_AST, dont_inherit=True)
        last = None
        if tree.body and isinstance(tree.body[-1], ast.Expr) and not _is_hushed(source, tree.body[-1]):
            last = ast.Expression(tree.body.pop().value)
        sys.modules["__main__"] = self._module
        names = self._module.__dict__
        exec(compile(tree, name, "exec", dont_inherit=True), names)
        if last is not None:
            value = eval(compile(last, name, "eval", dont_inherit=True), names)
            names["_"] = value
            self._display.show_last(value)

    @staticmethod
    def _end_child(error):
        """A forked child came back from user code: its part is over."""
        code = 0
        if isinstance(error, SystemExit):
            code = error.code if isinstance(error.code, int) else int(error.code is not None)
        elif error is not None:
            traceback.print_exception(error)
            code = 1
        try:
            sys.stdout.flush()
            sys.stderr.flush()
        finally:
            os._exit(code & 0xFF)


def _is_cell(file_name):
    return isinstance(file_name, str) and file_name.startswith("<cell ")


def _is_hushed(source, expression):
    """A semicolon after the last expression keeps it from being shown."""
    line = source.splitlines()[expression.end_lineno - 1].encode()
    return line[expression.end_col_offset :].lstrip(b" )\t").startswith(b";")
