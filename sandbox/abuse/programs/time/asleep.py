# Tries: sleep for ever, which some time limits do not see.
# Contained: it is stopped.
# Limits: seconds=1
import time

time.sleep(time_limit + 10)
print("ESCAPED: it was not stopped")
