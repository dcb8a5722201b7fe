"""The memory that a step has taken and needs no more."""

import ctypes
import resource

_MOST_KEPT = 64 << 20  # bytes; less is not worth the 10 ms


class _Mallinfo2(ctypes.Structure):
    _fields_ = [
        (name, ctypes.c_size_t)
        for name in "arena ordblks smblks hblks hblkhd usmblks fsmblks uordblks fordblks keepcost".split()
    ]


class Heap:
    """The C library's, which is told (kernel.Env) to keep what is freed: within a
    step most of it is needed again at once."""

    def __init__(self):
        try:
            library = ctypes.CDLL(None)
            self._info, self._trim = library.mallinfo2, library.malloc_trim
        except (OSError, AttributeError):  # another C library
            self._trim = None
            return
        self._before = _resident()
        self._info.argtypes, self._info.restype = (), _Mallinfo2
        self._trim.argtypes, self._trim.restype = (ctypes.c_size_t,), ctypes.c_int

    def give_back(self):
        """Gives back what is free where it is much: it would count toward the
        session's limit, and be in every snapshot. To count it takes most of a
        millisecond: not where the process has not grown that much."""
        if self._trim is None or _resident() - self._before < _MOST_KEPT:
            return
        if self._info().fordblks > _MOST_KEPT:
            self._trim(0)


def _resident():
    """What of the process is in memory now, bytes; more than there is where user code
    has left nothing to find out with."""
    try:
        with open("/proc/self/statm", "rb") as statm:
            return int(statm.read().split()[1]) * resource.getpagesize()
    except (OSError, MemoryError):
        return 1 << 60
