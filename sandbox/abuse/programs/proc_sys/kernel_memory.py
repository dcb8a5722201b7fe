# Tries: read the memory of the machine.
# Contained: there is no such file, or it cannot be read.
import os

for path in ("/proc/kcore", "/dev/mem", "/dev/kmem", "/proc/kpagecount", "/proc/kmsg"):
    try:
        fd = os.open(path, os.O_RDONLY | os.O_NONBLOCK)
        print("ESCAPED: read", len(os.read(fd, 64)), "bytes of", path)
    except OSError as e:
        print(e)
