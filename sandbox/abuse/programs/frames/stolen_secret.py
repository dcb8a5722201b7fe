# Tries: find the secret of the step in memory, and forge with it what the host would store: files with paths for names, and endless ones.
# Contained: names lead nowhere, and no more is stored than is allowed.
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

for secret in secrets:
    for fd in range(3, 1024):
        def send(kind, payload=b""):
            write(fd, struct.pack(">I1s16s", len(payload), kind, secret) + payload)
        try:
            if not os.readlink(f"/proc/self/fd/{fd}").startswith(("pipe:", "host:", "socket:")):
                continue
            os.set_blocking(fd, True)
            send(b"a", b'{"name":"../../../..%s/left.txt","kind":"file"}' % host_dir.encode())
            send(b"b", b"left by the program")
            send(b"z")
            send(b"a", b'{"name":"endless","kind":"file"}')
            for _ in range(200):
                send(b"b", b"x" * (256 << 10))
            send(b"z")
        except OSError:
            continue
print(len(secrets), "candidates")
