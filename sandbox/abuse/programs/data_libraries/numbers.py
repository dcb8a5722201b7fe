# Tries: have numbers of a length that nobody can print, and powers of them.
# Contained: it is stopped, or an exception.
# Limits: seconds=1
import sys
import time

sys.set_int_max_str_digits(0)
began = time.monotonic()
while time.monotonic() < began + time_limit + 15:
    try:
        str(10 ** (10**7))
    except BaseException:
        pass
print("ESCAPED: it was not stopped")
