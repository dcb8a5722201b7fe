# Tries: interrupt its keeper, thousands of times, from a thread that goes on after the step.
# Contained: the step ends with a result or a typed error.
import os
import signal
import threading
import time

def poke():
    for _ in range(3000):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.0005)

threading.Thread(target=poke, daemon=True).start()
time.sleep(1)
