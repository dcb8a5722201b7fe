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
        for links in (0, 1):  # each is a link half of the time, half of them at any time
            for n in range(16):
                if n % 2 == links:
                    os.symlink(outside, "new")
                else:
                    with open("new", "w") as file:
                        file.write("nothing of importance, as long as it is")
                os.replace("new", f"file-{n}")

for n in range(16):
    open(f"file-{n}", "w").write("first")
threading.Thread(target=exchange, daemon=True).start()
time.sleep(0.05)
