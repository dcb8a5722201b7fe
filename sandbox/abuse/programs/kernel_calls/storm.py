# Tries: upset the kernel by thousands of calls with senseless arguments, in children that may die of it.
# Contained: the session goes on or ends with a typed error; the machine does not notice.
import ctypes
import os
import random
import signal

contained = not os.path.exists(canary_path) and os.getuid() != 0
try:
    os.kill(victim_pid, 0)
    contained = False
except OSError:
    pass
if not contained:  # never on a machine that it could hurt
    print("ESCAPED: sees the machine, so it tries nothing")
for seed in range(12 * contained):
    if os.fork() == 0:
        signal.alarm(1)
        random.seed(seed)
        libc = ctypes.CDLL(None)
        block = ctypes.create_string_buffer(4096)
        values = (0, 1, -1, 2**31, 2**63, 4096, ctypes.addressof(block), 0xDEAD000, 3, 7)
        for _ in range(400):
            number = random.choice((*range(0, 335), *range(424, 462)))
            if number in (34, 35, 60, 62, 127, 130, 200, 230, 231, 234):  # waits and ends
                continue
            libc.syscall(number, *(ctypes.c_long(random.choice(values)) for _ in range(6)))
        os._exit(0)
for _ in range(12 * contained):
    os.wait()
