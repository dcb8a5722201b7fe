# Tries: write more into the folders for temporary files than it may.
# Contained: no more than disk_limit, or the end of the session.
# Limits: memory=1024
import os
import tempfile

chunk = b"x" * (1 << 20)
for folder in (tempfile.gettempdir(), "/dev/shm"):
    path, written = os.path.join(folder, "big"), 0
    try:
        with open(path, "wb") as file:
            while written < disk_limit * 5 // 4:
                written += file.write(chunk)
    except OSError as e:
        print(folder, written, e)
    if os.path.exists(path):
        os.remove(path)
    if written >= disk_limit * 5 // 4:
        print("ESCAPED: wrote", written, "bytes to", folder)
