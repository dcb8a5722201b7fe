# Tries: kill every process that it may.
# Contained: the processes of the host live on.
import os
import signal

try:
    os.kill(victim_pid, 0)
    print("ESCAPED: process", victim_pid, "could be killed")  # and nothing else is tried
except OSError:
    if os.fork() == 0:
        os.kill(-1, signal.SIGKILL)
        os._exit(0)
    os.wait()
