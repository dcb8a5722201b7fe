# Tries: start more programs than it may, each in a session of its own.
# Contained: no more than process_limit live at once.
# Limits: memory=1024
import subprocess
import sys

children = []
try:
    for _ in range(process_limit + process_limit // 2):
        children.append(subprocess.Popen([sys.executable, "-I", "-S", "-c", "import time; time.sleep(30)"], start_new_session=True))
finally:
    if len(children) > process_limit:
        print("ESCAPED:", len(children), "programs at once")
    for child in children:
        child.kill()
