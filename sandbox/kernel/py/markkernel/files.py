"""The working folder: inputs linked in, new files sent out."""

import os
import stat

from . import wire
from .leftout import UNREADABLE, UNSEEN

_MOST_ENTRIES, _DEEPEST = 10_000, 8


class Folder:
    """Knows which files of the working folder the host has seen."""

    def __init__(self, path):
        self.path = path
        self._seen = {}
        self._linked = set()

    def enter(self, inputs, names):
        """Makes it the current folder and links inputs into it by name. Links of
        an earlier call whose input is gone go, too. A new input takes the place of
        a file of that name that code has left: it is what the name now stands for."""
        os.makedirs(self.path, exist_ok=True)
        os.chdir(self.path)
        for name in self._linked.difference(names):
            link = os.path.join(self.path, name)
            if os.path.islink(link) and os.readlink(link) == os.path.join(inputs, name):
                os.unlink(link)
        before, self._linked = self._linked, set(names)
        for name in names:
            if name != os.path.basename(name) or name in ("", ".", ".."):
                raise ValueError(f"not a plain file name: {name!r}")
            link = os.path.join(self.path, name)
            if name not in before and (os.path.isfile(link) or os.path.islink(link)):
                os.unlink(link)
            if not os.path.lexists(link):
                os.symlink(os.path.join(inputs, name), link)

    def mark_seen(self):
        self._seen = {path: version for path, version in self._scan() if path is not None}

    def send_new(self, channel, guard, budget, left_out):
        """Sends what is new or changed. What an interrupt keeps from being sent
        waits for the next step."""
        current, whole = {}, True
        for path, version in self._scan():
            if path is None:
                whole = False
                left_out.add(UNSEEN)
            else:
                current[path] = version
        if whole:
            self._seen = {path: version for path, version in self._seen.items() if path in current}
        for path in sorted(path for path, version in current.items() if self._seen.get(path) != version):
            name = os.path.basename(path)
            with guard:  # sent and seen are one
                if why := budget.take(current[path][0]):
                    left_out.add(why, name)
                elif not self._send(channel, budget, path, name, current[path][0]):
                    left_out.add(UNREADABLE, name)
                self._seen[path] = current[path]

    @staticmethod
    def _send(channel, budget, path, name, most):
        """Sends a regular file, no more of it than it had when it was found.
        Returns whether it could be read."""
        try:
            fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            return True  # gone again
        except OSError:
            return False
        try:
            if stat.S_ISREG(os.fstat(fd).st_mode):
                channel.send_artifact(budget.sentinel, {"name": name[-1000:], "kind": "file"}, _pieces(fd, most))
            return True
        finally:
            os.close(fd)

    def _scan(self):
        """Yields (path, version) of regular files; a version tells any change.
        There are more than are looked at where it yields (None, None)."""
        queue, entries = [(self.path, 0)], 0
        while queue:
            folder, depth = queue.pop()
            try:
                with os.scandir(folder) as found:
                    for entry in found:
                        entries += 1
                        if entries > _MOST_ENTRIES:
                            yield None, None
                            return
                        if entry.name.startswith(".") or entry.name == "__pycache__":
                            continue
                        if entry.is_dir(follow_symlinks=False):
                            if depth < _DEEPEST:
                                queue.append((entry.path, depth + 1))
                        elif entry.is_file(follow_symlinks=False):
                            s = entry.stat(follow_symlinks=False)
                            yield entry.path, (s.st_size, s.st_mtime_ns, s.st_ctime_ns, s.st_ino)
            except OSError:  # removed or closed meanwhile
                continue


def _pieces(fd, most):
    while most > 0:
        try:
            piece = os.read(fd, min(wire.PIECE, most))
        except OSError:  # the rest cannot be read
            return
        if not piece:
            return
        most -= len(piece)
        yield piece
