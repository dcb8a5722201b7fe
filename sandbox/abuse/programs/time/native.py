# Tries: work where no interrupt reaches: in long computations of C.
# Contained: it is stopped.
# Limits: seconds=1
import time

began = time.monotonic()
while time.monotonic() < began + time_limit + 15:
    try:
        7**4_000_000
    except BaseException:
        pass
print("ESCAPED: it was not stopped")
