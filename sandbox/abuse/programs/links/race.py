# Tries: exchange files for links while the host looks at them.
# Contained: what the links lead to does not come out.
import os
import tempfile
import threading
import time

outside = os.path.join(tempfile.gettempdir(), "outside.txt")
with open(outside, "w") as file:
    file.write("\nESCAPED: through a link\n")

def exchange():
    stop = time.monotonic() + 2
    while time.monotonic() < stop:
        for n in range(5):
            os.symlink(outside, "new")
            os.replace("new", f"file-{n}")
            with open("new", "w") as file:
                file.write("nothing of importance, as long as it is")
            os.replace("new", f"file-{n}")

for n in range(5):
    open(f"file-{n}", "w").write("first")
threading.Thread(target=exchange, daemon=True).start()
time.sleep(0.05)
