# Tries: kill a process of the host by its number.
# Contained: it lives on.
# Alone: escapes
import os
import signal

os.kill(victim_pid, signal.SIGKILL)
