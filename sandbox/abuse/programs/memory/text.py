# Tries: double a text until it is larger than everything.
# Contained: a MemoryError, or the end of the session.
import time

text = "x" * 1000
while len(text) < memory_limit * 5 // 4:
    text += text
time.sleep(1)
print("ESCAPED: a text of", len(text), "characters")
