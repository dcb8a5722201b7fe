"""How much one step may send as artifacts, images and files together."""


class Budget:
    def __init__(self, limits):
        self._count = limits["artifacts"]
        self._each = limits["artifact"]
        self._total = limits["artifactsTotal"]

    def take(self, size):
        """Takes size bytes for one more artifact; returns "" or why not."""
        if self._count <= 0:
            return "one step keeps no more files"
        if size > self._each:
            return f"{size:,} bytes are more than the {self._each:,} that a file may have"
        if size > self._total:
            return f"{size:,} bytes are more than the {self._total:,} that are left to this step"
        self._count -= 1
        self._total -= size
        return ""
