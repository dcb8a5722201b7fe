# Tries: see and reach a process of the host.
# Contained: it is not there.
# Alone: escapes
import os

os.kill(victim_pid, 0)
print("ESCAPED: process", victim_pid, "can be reached")
