# Tries: hold more memory than it may in temporary files, which are in memory.
# Contained: the file system is full, or the end of the session.
# Limits: memory=400
import os
import tempfile
import time

written, chunk = 0, b"x" * (1 << 20)
for folder in (tempfile.gettempdir(), "/dev/shm", os.getcwd()):
    try:
        with open(os.path.join(folder, "big"), "wb") as file:
            while written < memory_limit * 5 // 4:
                written += file.write(chunk)
    except OSError as e:
        print(e)
time.sleep(1)
if written >= memory_limit * 5 // 4:
    print("ESCAPED: wrote", written, "bytes into memory")
for folder in (tempfile.gettempdir(), "/dev/shm", os.getcwd()):
    if os.path.exists(os.path.join(folder, "big")):
        os.remove(os.path.join(folder, "big"))
