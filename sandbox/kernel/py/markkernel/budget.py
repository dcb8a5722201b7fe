"""How much one step may send as artifacts, images and files together."""

from . import leftout


class Budget:
    """What is taken of it may be sent in the step with this sentinel, in no other."""

    def __init__(self, limits, sentinel):
        self.sentinel = sentinel
        self._count = limits["artifacts"]
        self._each = limits["artifact"]
        self._total = limits["artifactsTotal"]

    def take(self, size):
        """Takes size bytes for one more artifact; returns "" or why not."""
        if self._count <= 0:
            return leftout.COUNT
        if size > self._each:
            return leftout.SIZE
        if size > self._total:
            return leftout.TOTAL
        self._count -= 1
        self._total -= size
        return ""
