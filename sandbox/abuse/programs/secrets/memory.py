# Tries: find the service's secrets in the memory of the process.
# Contained: none is there.
# Alone: escapes
import os
import re

pattern, read = re.compile(b"canary-" + b"[0-9a-f]{32}"), 0
memory = os.open("/proc/self/mem", os.O_RDONLY)
for line in open("/proc/self/maps"):
    area, rights, *_ = line.split()
    start, end = (int(part, 16) for part in area.split("-"))
    for at in range(start, min(end, start + (64 << 20)), 1 << 22):
        if "r" not in rights or "w" not in rights or read > 256 << 20:
            break
        try:
            block = os.pread(memory, min(1 << 22, end - at), at)
        except (OSError, OverflowError):
            break
        read += len(block)
        for found in pattern.findall(block):
            print("ESCAPED:", found.decode())
print(read >> 20, "MiB")
