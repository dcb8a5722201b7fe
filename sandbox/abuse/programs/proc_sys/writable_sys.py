# Tries: find anything below /sys that can be opened for writing. Nothing is written.
# Contained: there is nothing.
import os

seen = 0
for folder, folders, files in os.walk("/sys"):
    for name in files:
        path, seen = os.path.join(folder, name), seen + 1
        try:
            os.close(os.open(path, os.O_WRONLY | os.O_NONBLOCK))
            print("ESCAPED: could write to", path)
        except OSError:
            pass
    if seen > 3000:
        break
print(seen, "files")
