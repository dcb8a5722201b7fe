# Tries: never end.
# Contained: it is stopped.
# Limits: seconds=1
import time

began = time.monotonic()
while time.monotonic() < began + time_limit + 10:
    pass
print("ESCAPED: it was not stopped")
