"""What a step took of the machine."""

import resource


class Usage:
    """Measures from its making on. A child counts when it has been waited for."""

    def __init__(self):
        self._began = _seconds()

    def frame(self):
        """Returns {"cpuMs", "peakMemory"}: the peak of the process's whole life in
        bytes, for the system knows no other."""
        return {
            "cpuMs": max(round((_seconds() - self._began) * 1000), 0),
            "peakMemory": max(resource.getrusage(who).ru_maxrss for who in _BOTH) << 10,
        }


_BOTH = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)


def _seconds():
    return sum(used.ru_utime + used.ru_stime for used in map(resource.getrusage, _BOTH))
