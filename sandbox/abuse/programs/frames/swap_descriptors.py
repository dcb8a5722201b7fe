# Tries: put its own output where the line to the host is, and the line where the output was.
# Contained: the step ends, with an error or without; nothing that it prints is taken for the host's own.
# Limits: seconds=3
import os

for fd in range(3, 1024):
    try:
        os.fstat(fd)
    except OSError:
        continue
    os.dup2(1, fd)
    os.dup2(fd, 1)
os.write(1, b"here\n")
