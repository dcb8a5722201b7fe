# Tries: end the process that answers the service.
# Contained: a typed error, at once.
import os
import signal

os.kill(os.getpid(), signal.SIGKILL)
