# Tries: hold more memory than it may in one block.
# Contained: a MemoryError, or the end of the session.
import time

block = bytearray(b"x") * (memory_limit * 5 // 4)
time.sleep(1)
print("ESCAPED: holds", len(block), "bytes")
