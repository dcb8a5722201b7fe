# Tries: a few bytes of pickle that become more than the memory it may have.
# Contained: a MemoryError, or the end of the session.
import operator
import pickle
import time

class Attack:
    def __reduce__(self):
        return operator.mul, (b"x", memory_limit * 5 // 4)

text = pickle.dumps(Attack())
block = pickle.loads(text)
time.sleep(1)
print("ESCAPED:", len(text), "bytes became", len(block))
