# Tries: begin a message and fall silent, so that the host waits for the rest.
# Contained: the step ends with a typed error, in time.
# Limits: seconds=2
import os
import struct
import time

for fd in range(3, 1024):
    try:
        os.write(fd, struct.pack(">I1s16s", 60_000, b"1", bytes(16)) + b"x")
    except OSError:
        pass
began = time.monotonic()
while time.monotonic() < began + time_limit + 15:
    try:
        time.sleep(1)
    except BaseException:
        pass
print("ESCAPED: the host waited")
