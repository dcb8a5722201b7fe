"""Limits of this process, and the end of those that it started."""

import ctypes
import os
import resource
import signal
import time

_PR_SET_CHILD_SUBREAPER = 36
_PATIENCE = 1.0  # seconds
_IN_USE = 256 << 20  # bytes of its memory that a warm session takes, and its sandbox


def limit(memory, processes):
    """Bounds what user code may take of the session's memory, in bytes, and of
    its processes. So growing beyond it is a MemoryError that the session
    survives, before the end that the provider would make of it. Zero means no
    bound; a bound is only ever lowered."""
    if memory:
        with open("/proc/self/statm", encoding="ascii") as statm:
            mapped = int(statm.read().split()[0]) * resource.getpagesize()
        _lower(resource.RLIMIT_AS, mapped + memory - min(memory // 2, _IN_USE))
    if processes:
        _lower(resource.RLIMIT_NPROC, processes)


def _lower(which, most):
    _, hard = resource.getrlimit(which)
    if hard != resource.RLIM_INFINITY:
        most = min(most, hard)
    resource.setrlimit(which, (most, most))


def adopt():
    """Makes orphans of this process's children its own, to be found and ended."""
    ctypes.CDLL(None).prctl(_PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)


def end_children():
    """Kills every process that descends from this one. None outlives its step: it
    would go on using the machine, unseen, while nobody waits for it."""
    deadline = time.monotonic() + _PATIENCE
    while _has_children() and time.monotonic() < deadline:
        for pid in _descendants(os.getpid()):
            try:
                os.kill(pid, signal.SIGKILL)
            except OSError:
                pass
        _reap()


def _has_children():
    try:
        os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
    except ChildProcessError:
        return False
    return True


def _reap():
    try:
        while os.waitpid(-1, os.WNOHANG)[0]:
            pass
    except ChildProcessError:
        return
    time.sleep(0.001)  # the killed need a moment to die


def _descendants(root):
    children = {}
    for name in os.listdir("/proc"):
        if name.isdigit():
            try:
                with open(f"/proc/{name}/stat", "rb") as stat:
                    # The name in parentheses may hold anything, parentheses too.
                    parent = int(stat.read().rpartition(b")")[2].split()[1])
            except (OSError, ValueError, IndexError):
                continue
            children.setdefault(parent, []).append(int(name))
    found, queue = [], [root]
    while queue:
        for pid in children.get(queue.pop(), ()):
            found.append(pid)
            queue.append(pid)
    return found
