# Tries: read a file of the host below the roots and folders of all processes.
# Contained: the file's content does not come out.
# Alone: escapes
import os

for pid in ("self", "thread-self", *filter(str.isdigit, os.listdir("/proc"))):
    for way in ("root", "cwd/" + "../" * 20, "task/1/root"):
        try:
            with open(f"/proc/{pid}/{way}{canary_path}") as file:
                print("ESCAPED:", file.read())
        except OSError:
            pass
