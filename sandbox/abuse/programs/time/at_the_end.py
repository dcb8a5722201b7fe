# Tries: go on when the code has ended: in what is called when its value is shown.
# Contained: it is stopped.
# Limits: seconds=1
import time

class Late:
    def __repr__(self):
        began = time.monotonic()
        while time.monotonic() < began + time_limit + 15:
            try:
                time.sleep(0.1)
            except BaseException:
                pass
        return "ESCAPED: it was not stopped"

Late()
