# Tries: keep the processor busy by a regular expression that tries everything.
# Contained: it is stopped.
# Limits: seconds=1
import re
import time

began = time.monotonic()
while time.monotonic() < began + time_limit + 15:
    try:
        pd.Series(["a" * 40 + "!"]).astype(object).map(re.compile("(a|aa|a?)+$").match)
        pd.Series(["a" * 40 + "!"], dtype=object).str.match("(a+)+$")
    except BaseException:
        pass
print("ESCAPED: it was not stopped")
