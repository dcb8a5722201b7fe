# Tries: hold more memory than it may in an array.
# Contained: a MemoryError, or the end of the session.
import time

array = np.ones(memory_limit * 5 // 4 // 8)
time.sleep(1)
print("ESCAPED: holds", array.nbytes, "bytes")
