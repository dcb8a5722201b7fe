# Tries: climb out from the descriptors that were inherited.
# Contained: the file's content does not come out.
import os

for fd in range(1024):
    for way in ("../" * 20 + canary_path.lstrip("/"), canary_path.lstrip("/")):
        try:
            found = os.open(way, os.O_RDONLY, dir_fd=fd)
        except OSError:
            continue
        print("ESCAPED:", os.read(found, 1000))
