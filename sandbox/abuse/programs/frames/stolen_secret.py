# Tries: find the secret of the step in memory, and forge with it what the host would store: files with paths for names, and endless ones.
# Contained: names lead nowhere, and no more is stored than is allowed.
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
for secret in secrets:
    for fd in range(3, 1024):
        def send(kind, payload=b""):
            os.write(fd, struct.pack(">I1s16s", len(payload), kind, secret) + payload)
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
