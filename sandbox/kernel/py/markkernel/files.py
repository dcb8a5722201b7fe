"""The working folder: inputs linked in, new files sent out."""

import os
import stat

from . import wire

_MOST_ENTRIES, _DEEPEST = 10_000, 8


class Folder:
    """Knows which files of the working folder the host has seen."""

    def __init__(self, path):
        self.path = path
        self._seen = {}
        self._linked = set()

    def enter(self, inputs, names):
        """Makes it the current folder and links inputs into it by name. Links of
        an earlier call whose input is gone go, too."""
        os.makedirs(self.path, exist_ok=True)
        os.chdir(self.path)
        for name in self._linked.difference(names):
            link = os.path.join(self.path, name)
            if os.path.islink(link) and not os.path.exists(link):
                os.unlink(link)
        self._linked = set(names)
        for name in names:
            if name != os.path.basename(name) or name in ("", ".", ".."):
                raise ValueError(f"not a plain file name: {name!r}")
            link = os.path.join(self.path, name)
            if not os.path.lexists(link):
                os.symlink(os.path.join(inputs, name), link)

    def mark_seen(self):
        self._seen = dict(self._scan())

    def send_new(self, channel, guard, budget, note):
        """Sends what is new or changed; returns whether some was left out."""
        current = dict(self._scan())
        fresh = sorted(path for path, version in current.items() if self._seen.get(path) != version)
        self._seen = current
        left_out = []
        for path in fresh:
            size = current[path][0]
            if why := budget.take(size):
                left_out.append(f"{os.path.basename(path)} ({why})")
                continue
            with guard:
                self._send(channel, path, os.path.basename(path), size)
        if left_out:
            more = f" and {len(left_out) - 3} more" if len(left_out) > 3 else ""
            note(f"not kept: {', '.join(left_out[:3])}{more}")
        return bool(left_out)

    @staticmethod
    def _send(channel, path, name, most):
        """Sends a regular file, no more of it than it had when it was found."""
        try:
            fd = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except OSError:
            return
        sent = 0
        try:
            if not stat.S_ISREG(os.fstat(fd).st_mode):
                return
            channel.send_json(wire.ARTIFACT, {"name": name[-1000:], "kind": "file"})
            while sent < most:
                piece = os.read(fd, min(wire.PIECE, most - sent))
                if not piece:
                    break
                channel.send(wire.BYTES, piece)
                sent += len(piece)
            channel.send(wire.FILE_END)
        finally:
            os.close(fd)

    def _scan(self):
        """Yields (path, version) of regular files; a version tells any change."""
        queue, entries = [(self.path, 0)], 0
        while queue:
            folder, depth = queue.pop()
            try:
                with os.scandir(folder) as found:
                    for entry in found:
                        entries += 1
                        if entries > _MOST_ENTRIES:
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
