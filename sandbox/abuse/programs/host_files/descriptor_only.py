# Tries: read a file of the host through a descriptor that opens nothing (O_PATH).
# Contained: the file's content does not come out.
# Alone: escapes
import os

fd = os.open(canary_path, os.O_PATH)
with open(f"/proc/self/fd/{fd}") as file:
    print("ESCAPED:", file.read())
