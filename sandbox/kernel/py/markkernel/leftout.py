"""What a step made and may not keep, for the host to tell."""

# Why something is left out.
COUNT, SIZE, TOTAL, UNREADABLE, UNSEEN, OUTPUTS = "count", "size", "total", "unreadable", "unseen", "outputs"

_NAMED = 3  # of each kind


class LeftOut:
    """Gathers it by reason. Threads may add."""

    def __init__(self):
        self._by_reason = {}

    def add(self, why, name=""):
        entry = self._by_reason.setdefault(why, {"why": why, "count": 0, "names": []})
        entry["count"] += 1
        if name and len(entry["names"]) < _NAMED:
            entry["names"].append(name[-500:])

    def frame(self):
        """Returns it as the done frame tells it."""
        return list(self._by_reason.values())
