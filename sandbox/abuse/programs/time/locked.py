# Tries: wait for a lock that nobody releases, and for a thread that waits for it.
# Contained: it is stopped.
# Limits: seconds=1
import threading

lock = threading.Lock()
lock.acquire()
thread = threading.Thread(target=lock.acquire, args=(True, time_limit + 15))
thread.start()
thread.join()
print("ESCAPED: it was not stopped")
