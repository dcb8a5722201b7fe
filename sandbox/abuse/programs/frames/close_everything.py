# Tries: cut the line to the host.
# Contained: the step ends with a typed error.
# Limits: seconds=3
import os
import time

os.closerange(0, 1024)
time.sleep(20)
