# Tries: put another program in the place of the one that answers the service.
# Contained: the step ends with a typed error, soon.
import os
import sys

if os.fork() == 0:
    os._exit(0)
os.execv(sys.executable, [sys.executable, "-I", "-S", "-c", "import time; print('another program', flush=True); time.sleep(2)"])
