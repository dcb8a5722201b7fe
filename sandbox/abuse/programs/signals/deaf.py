# Tries: ignore every signal and go on for ever.
# Contained: the session is ended.
# Limits: seconds=1
import signal
import time

for number in signal.valid_signals() - {signal.SIGKILL, signal.SIGSTOP}:
    try:
        signal.signal(number, signal.SIG_IGN)
    except (OSError, ValueError):
        pass
signal.pthread_sigmask(signal.SIG_BLOCK, signal.valid_signals())
began = time.monotonic()
while time.monotonic() < began + time_limit + 15:
    pass
print("ESCAPED: it was not stopped")
