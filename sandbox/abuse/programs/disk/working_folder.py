# Tries: write more into the working folder than it may.
# Contained: no more than disk_limit, or the end of the session.
# Limits: memory=1024
import os

written, chunk = 0, b"x" * (1 << 20)
try:
    with open("big", "wb") as file:
        while written < disk_limit * 5 // 4:
            written += file.write(chunk)
finally:
    os.remove("big")
    if written >= disk_limit * 5 // 4:
        print("ESCAPED: wrote", written, "bytes")
