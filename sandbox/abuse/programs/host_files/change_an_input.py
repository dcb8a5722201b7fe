# Tries: change the file that the session was given to read.
# Contained: the host's file stays as it was.
# Alone: escapes
import os
import shutil

ways = (
    lambda path: open(path, "a").write("changed"),
    lambda path: os.truncate(path, 0),
    lambda path: (os.chmod(path, 0o777), open(path, "w").write("changed")),
    lambda path: (os.link(path, "link"), open("link", "w").write("changed")),
    lambda path: os.replace(shutil.copy(path, "other"), path),
    lambda path: os.remove(path),
)
for way in ways:
    for path in (input_path, os.path.realpath(input_path)):
        try:
            way(path)
        except OSError as e:
            print(e)
