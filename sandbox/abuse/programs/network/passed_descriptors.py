# Tries: connect by a descriptor that was inherited, if there is a socket among them.
# Contained: no socket that is there leads to an address.
import os
import socket
import stat

for fd in range(3, 1024):
    try:
        if not stat.S_ISSOCK(os.fstat(fd).st_mode):
            continue
        with socket.socket(fileno=os.dup(fd)) as s:
            if s.family in (socket.AF_INET, socket.AF_INET6):
                print("ESCAPED: descriptor", fd, "is connected to", s.getpeername())
    except OSError:
        pass
