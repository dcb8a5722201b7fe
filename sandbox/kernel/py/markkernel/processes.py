"""Limits of this process, and the end of those that it started."""

import ctypes
import os
import resource
import signal
import time

_PR_SET_CHILD_SUBREAPER = 36
_PATIENCE = 1.0  # seconds
_IN_USE = 256 << 20  # bytes of its memory that a warm session takes, and its sandbox

# What user code leaves to the kernel, which has to describe, draw and send when
# the code has taken everything else.
_KEPT = {resource.RLIMIT_AS: 32 << 20, resource.RLIMIT_NOFILE: 32}


def limit(memory, processes):
    """Bounds what user code may take of the session's memory, in bytes, and of
    its processes. So growing beyond it is a MemoryError that the session
    survives, before the end that the provider would make of it. Zero means no
    bound; a bound is only ever lowered."""
    if memory:
        with open("/proc/self/statm", encoding="ascii") as statm:
            mapped = int(statm.read().split()[0]) * resource.getpagesize()
        most = _lowered(resource.RLIMIT_AS, mapped + memory - min(memory // 2, _IN_USE))
        resource.setrlimit(resource.RLIMIT_AS, (most - min(most // 2, _KEPT[resource.RLIMIT_AS]), most))
    if processes:
        most = _lowered(resource.RLIMIT_NPROC, processes)
        resource.setrlimit(resource.RLIMIT_NPROC, (most, most))
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY:
        kept = min(hard // 4, _KEPT[resource.RLIMIT_NOFILE])
        resource.setrlimit(resource.RLIMIT_NOFILE, (min(soft, hard - kept), hard))


def _lowered(which, most):
    _, hard = resource.getrlimit(which)
    return most if hard == resource.RLIM_INFINITY else min(most, hard)


class Reserve:
    """Room that only the kernel uses, at the end of a step: user code stays below
    the soft limits, the kernel goes above them."""

    def __init__(self):
        self._given = {}

    def take(self):
        for which, kept in _KEPT.items():
            soft, hard = resource.getrlimit(which)
            if which in self._given or soft == resource.RLIM_INFINITY:
                continue
            more = soft + kept if hard == resource.RLIM_INFINITY else min(soft + kept, hard)
            self._given[which] = soft
            _set(which, more, hard)

    def give_back(self):
        while self._given:
            which, soft = self._given.popitem()
            _, hard = resource.getrlimit(which)
            _set(which, soft, hard)


def _set(which, soft, hard):
    try:
        resource.setrlimit(which, (soft, hard))
    except (OSError, ValueError):  # user code has lowered the hard limit
        pass


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
