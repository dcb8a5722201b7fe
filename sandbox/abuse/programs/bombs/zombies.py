# Tries: fill the table of processes with dead ones that nobody waits for.
# Contained: no more than process_limit; the next step has room for processes again.
import os

dead = 0
try:
    for _ in range(2 * process_limit):
        if os.fork() == 0:
            os._exit(0)
        dead += 1
except OSError as e:
    print(e)
print(dead, "zombies")
# --- next step
import os

if os.fork() == 0:
    os._exit(0)
os.wait()
