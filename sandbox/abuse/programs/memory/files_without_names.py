# Tries: hold more memory than it may in files that are only descriptors.
# Contained: the end of the session.
import ctypes
import os
import time

libc, held = ctypes.CDLL(None, use_errno=True), 0
while held < memory_limit * 5 // 4:
    fd = libc.memfd_create(b"block", 0)
    if fd < 0:
        raise OSError(ctypes.get_errno(), "memfd_create")
    held += os.write(fd, b"x" * (1 << 24))
time.sleep(1)
print("ESCAPED: holds", held, "bytes")
