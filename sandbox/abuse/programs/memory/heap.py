# Tries: hold more memory than it may in many small objects.
# Contained: a MemoryError, or the end of the session.
import time

held = []
for _ in range(memory_limit * 5 // 4 >> 20):
    held.append([bytes(1000) for _ in range(1000)])
time.sleep(1)
print("ESCAPED: holds", len(held), "MB")
