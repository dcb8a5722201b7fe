# Tries: enter the namespaces of every process that is visible.
# Contained: there are none but its own, and no right to enter.
import os

own = {os.readlink(f"/proc/self/ns/{kind}") for kind in os.listdir("/proc/self/ns")}
for pid in filter(str.isdigit, os.listdir("/proc")):
    for kind in ("user", "mnt", "net", "pid"):
        try:
            if os.readlink(f"/proc/{pid}/ns/{kind}") in own:
                continue
            fd = os.open(f"/proc/{pid}/ns/{kind}", os.O_RDONLY)
            if os.fork() == 0:
                os.setns(fd)
                print("ESCAPED: entered the", kind, "namespace of", pid, flush=True)
                os._exit(0)
            os.wait()
        except OSError:
            pass
