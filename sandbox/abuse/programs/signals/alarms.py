# Tries: interrupt its keeper's own work by alarms, in the middle of what it sends.
# Contained: the step ends with a result or a typed error; the next step works or says the same.
import signal

def ring(*_):
    raise RuntimeError("an alarm")

signal.signal(signal.SIGALRM, ring)
signal.setitimer(signal.ITIMER_REAL, 0.01, 0.001)
for _ in range(100):
    print("x" * 1000)
# --- next step
import signal

signal.setitimer(signal.ITIMER_REAL, 0)
