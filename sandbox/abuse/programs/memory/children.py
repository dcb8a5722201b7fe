# Tries: hold more memory than it may in children, each within its own limit.
# Contained: the end of the session, or of the children.
import os
import time

ready, told = os.pipe()
for _ in range(5):
    if os.fork() == 0:
        block = bytearray(b"x") * (memory_limit // 4)
        os.write(told, b".")
        time.sleep(20)
        os._exit(len(block) & 1)
os.close(told)
holding = 0
while holding < 5 and (got := os.read(ready, 5)):
    holding += len(got)
time.sleep(1)
if holding == 5:
    print("ESCAPED: five children hold", 5 * (memory_limit // 4), "bytes")
