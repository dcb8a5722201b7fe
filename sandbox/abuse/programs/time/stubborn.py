# Tries: catch whatever stops it and go on.
# Contained: it is stopped.
# Limits: seconds=1
import time

began = time.monotonic()
while time.monotonic() < began + time_limit + 15:
    try:
        while time.monotonic() < began + time_limit + 15:
            time.sleep(0.1)
    except BaseException:
        pass
print("ESCAPED: it was not stopped")
