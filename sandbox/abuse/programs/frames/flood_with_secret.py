# Tries: find the secret of the step in memory, and send outputs without end in the host's own form.
# Contained: the host stops it, and takes no more than a step may show.
import gc
import os
import struct

secrets = set()
for thing in gc.get_objects():
    try:
        values = list(vars(thing).values()) if hasattr(thing, "__dict__") else []
    except Exception:
        continue
    secrets.update(v for v in values if type(v) is bytes and len(v) == 16 and any(v))
text = b'{"mimeType":"text/plain","text":"%s"}' % (b"x" * 60_000)
line = b"y" * 60_000
for secret in secrets:
    for fd in range(3, 1024):
        try:
            if not os.readlink(f"/proc/self/fd/{fd}").startswith(("pipe:", "host:", "socket:")):
                continue
            for _ in range(2000):
                os.write(fd, struct.pack(">I1s16s", len(text), b"o", secret) + text)
                os.write(fd, struct.pack(">I1s16s", len(line), b"1", secret) + line)
        except OSError:
            continue
