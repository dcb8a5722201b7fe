# Tries: write to every descriptor what its keeper would write, without the secret of the step: a line of output.
# Contained: the line does not come out.
import os
import struct
import time

line = b"\nESCAPED: a forged line was believed\n"
for fd in range(3, 1024):
    for secret in (bytes(16), os.urandom(16)):
        try:
            os.write(fd, struct.pack(">I1s16s", len(line), b"1", secret) + line)
        except OSError:
            pass
time.sleep(0.5)
