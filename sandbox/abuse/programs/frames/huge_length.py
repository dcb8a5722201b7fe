# Tries: announce four gigabytes, so that the host makes room for them.
# Contained: the step ends with a typed error; the host's memory stays as it was.
import os
import struct

for fd in range(3, 1024):
    try:
        os.write(fd, struct.pack(">I1s16s", 0xFFFFFFFF, b"o", bytes(16)) + b"x" * 1000)
    except OSError:
        pass
