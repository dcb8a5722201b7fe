# Tries: read the environment of every process.
# Contained: no variable of the service's comes out.
# Alone: escapes
import os

for pid in filter(str.isdigit, os.listdir("/proc")):
    try:
        with open(f"/proc/{pid}/environ", "rb") as file:
            for variable in file.read().split(b"\0"):
                if b"ABUSE_SECRET=" in variable:
                    print("ESCAPED:", variable.decode())
    except OSError:
        pass
