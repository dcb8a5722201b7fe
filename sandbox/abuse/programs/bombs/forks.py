# Tries: have more processes at once than it may, all children of one.
# Contained: no more than process_limit live at once.
import os
import signal
import time

children = []
try:
    for _ in range(process_limit + process_limit // 2):
        pid = os.fork()
        if pid == 0:
            time.sleep(30)
            os._exit(0)
        children.append(pid)
finally:
    if len(children) > process_limit:
        print("ESCAPED:", len(children), "processes at once")
    for pid in children:
        os.kill(pid, signal.SIGKILL)
