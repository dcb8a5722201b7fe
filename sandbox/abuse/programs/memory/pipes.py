# Tries: hold more memory than it may in pipes that nobody reads, in many processes.
# Contained: the end of the session, or the number of pipes.
import os
import time

ready, told = os.pipe()
children = max(4, (memory_limit * 5 // 4) // (300 * 65536))
for _ in range(children):
    if os.fork() == 0:
        held = 0
        try:
            for _ in range(300):
                _, end = os.pipe()
                os.set_blocking(end, False)
                held += os.write(end, b"x" * 65536)
        except OSError:
            pass
        os.write(told, b"%d\n" % held)
        time.sleep(20)
        os._exit(0)
os.close(told)
text = b""
while text.count(b"\n") < children and (got := os.read(ready, 1000)):
    text += got
time.sleep(1)
if sum(map(int, text.split())) >= memory_limit:
    print("ESCAPED: pipes hold", sum(map(int, text.split())), "bytes")
