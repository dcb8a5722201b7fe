"""Which limit of the session an exception shows that the code ran into."""

import errno
import linecache

DISK, FILES, PROCESSES, MEMORY = "disk", "files", "processes", "memory"

_BY_ERRNO = {
    errno.ENOSPC: DISK,
    errno.EDQUOT: DISK,
    errno.EMFILE: FILES,
    errno.ENFILE: FILES,
    errno.ENOMEM: MEMORY,
}
# What has no errno: the texts of Python's own threads, and of libraries in C++.
_BY_TEXT = (
    ("can't start new thread", PROCESSES),
    ("No space left on device", DISK),
    ("database or disk is full", DISK),
    ("Too many open files", FILES),
)
_BY_NAME = {"OutOfMemoryException": MEMORY}  # duckdb's
_MOST = 50  # exceptions of one chain


def limit_of(error):
    """Returns the limit's name, or "". Libraries wrap what the system tells them,
    so causes, contexts and the members of groups are looked at too; the first
    that is found in this order is told."""
    queue, seen = [error], set()
    while queue and len(seen) < _MOST:
        one = queue.pop(0)
        if one is None or id(one) in seen:
            continue
        seen.add(id(one))
        if found := _limit_of_one(one):
            return found
        queue += [one.__cause__, one.__context__]
        if isinstance(one, BaseExceptionGroup):
            queue += one.exceptions[:_MOST]
    return ""


def _limit_of_one(error):
    if isinstance(error, MemoryError):
        # The parser has a stack of its own, which nested code overflows.
        return "" if "Parser stack" in _text(error) else MEMORY
    if isinstance(error, OSError) and error.errno is not None:
        if error.errno == errno.EAGAIN:
            return PROCESSES if _starts_a_process(error) else ""
        if found := _BY_ERRNO.get(error.errno):
            return found
    if type(error).__name__ in _BY_NAME:
        return _BY_NAME[type(error).__name__]
    if isinstance(error, Exception):
        text = _text(error)
        return next((limit for part, limit in _BY_TEXT if part in text), "")
    return ""


def _starts_a_process(error):
    """EAGAIN is also what a pipe says that has nothing to read: the line that
    raised tells."""
    trace = error.__traceback__
    if trace is None:
        return False
    while trace.tb_next is not None:
        trace = trace.tb_next
    line = linecache.getline(trace.tb_frame.f_code.co_filename, trace.tb_lineno)
    return "fork" in line or "spawn" in line


def _text(error):
    """The texts that the exception was made of: its own __str__ is user code."""
    return " ".join(part[:500] for part in error.args if type(part) is str)
