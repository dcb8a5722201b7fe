# Tries: double the processes again and again.
# Contained: no more than process_limit live at once.
import os
import time

count, told = os.pipe()
os.set_blocking(count, False)
first = os.getpid()
for _ in range((process_limit + process_limit // 2).bit_length()):
    try:
        os.fork()
    except OSError:
        break
os.write(told, b".")
time.sleep(3)
if os.getpid() != first:
    os._exit(0)
living = len(os.read(count, 100_000))
print(living, "processes")
if living > process_limit:
    print("ESCAPED:", living, "processes at once")
