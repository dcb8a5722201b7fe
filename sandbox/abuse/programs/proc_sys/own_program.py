# Tries: open the running interpreter for writing, which is a file of the host's (CVE-2019-5736).
# Contained: it cannot be opened, and not replaced. Nothing is written.
import os
import sys

for path in ("/proc/self/exe", "/proc/1/exe", sys.executable, os.path.realpath(sys.executable), os.path.dirname(os.__file__) + "/os.py"):
    try:
        os.close(os.open(path, os.O_WRONLY))
        print("ESCAPED: could write to", path)
    except OSError as e:
        print(e)
