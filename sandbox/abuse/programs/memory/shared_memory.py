# Tries: hold more memory than it may in shared memory, whose files belong to no process.
# Contained: no more than is allowed, or the end of the session.
import time
from multiprocessing import shared_memory

segments = []
while len(segments) << 24 < memory_limit * 5 // 4:
    segments.append(shared_memory.SharedMemory(create=True, size=1 << 24))
    segments[-1].buf[:] = b"x" * (1 << 24)
time.sleep(1)
print("ESCAPED: holds", len(segments) << 24, "bytes")
for segment in segments:
    segment.unlink()
