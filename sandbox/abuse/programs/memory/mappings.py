# Tries: hold more memory than it may in anonymous mappings, private and shared.
# Contained: a MemoryError, or the end of the session.
import mmap
import time

held = []
for n in range(memory_limit * 5 // 4 >> 24):
    held.append(mmap.mmap(-1, 1 << 24, flags=(mmap.MAP_SHARED, mmap.MAP_PRIVATE)[n % 2] | mmap.MAP_ANONYMOUS))
    held[-1].write(b"x" * (1 << 24))
time.sleep(1)
print("ESCAPED: holds", len(held) * 16, "MiB")
