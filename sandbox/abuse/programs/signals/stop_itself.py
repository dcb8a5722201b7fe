# Tries: stop the process that answers the service, so that it never answers.
# Contained: the step ends, in time.
# Limits: seconds=2
import os
import signal
import time

if os.fork() == 0:
    os.kill(os.getppid(), signal.SIGSTOP)
    time.sleep(20)
    os._exit(0)
time.sleep(20)
