# Tries: have more threads at once than it may.
# Contained: no more than process_limit, with what was there before.
import threading

threading.stack_size(1 << 16)  # so that it is not memory that ends it
stop, threads = threading.Event(), []
try:
    for _ in range(process_limit + process_limit // 2):
        thread = threading.Thread(target=stop.wait, args=(30,), daemon=True)
        thread.start()
        threads.append(thread)
finally:
    stop.set()
    if len(threads) > process_limit:
        print("ESCAPED:", len(threads), "threads at once")
