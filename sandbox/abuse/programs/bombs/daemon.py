# Tries: leave a process behind that goes on after the code has ended.
# Contained: the next step finds it gone.
# Alone: escapes
import os
import time

if os.fork() == 0:
    os.setsid()
    if os.fork() == 0:
        with open("daemon.pid", "w") as file:
            file.write(str(os.getpid()))
        os.rename("daemon.pid", "daemon")
        time.sleep(20)
    os._exit(0)
while not os.path.exists("daemon"):
    time.sleep(0.01)
# --- next step
import os
import time

with open("daemon") as file:
    pid = int(file.read())
os.remove("daemon")
try:
    os.kill(pid, 0)
    print("ESCAPED: process", pid, "lives on")
    os.kill(pid, 9)
except OSError as e:
    print(e)
