# Tries: change the libraries that other sessions will import. It removes what it wrote.
# Contained: they cannot be written to.
import os
import sys

places = {os.path.dirname(m.__file__) for m in list(sys.modules.values()) if getattr(m, "__file__", None)}
for folder in sorted({*places, *(os.path.join(p, "__pycache__") for p in places), *filter(os.path.isdir, sys.path)}):
    path = os.path.join(folder, "abuse_probe.pth")
    try:
        open(path, "x").close()
    except OSError:
        continue
    os.remove(path)
    print("ESCAPED: could write to", folder)
