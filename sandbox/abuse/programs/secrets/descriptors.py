# Tries: read every file that was left open.
# Contained: none holds anything of the host's.
import os
import stat

for fd in range(3, 1024):
    try:
        if stat.S_ISREG(os.fstat(fd).st_mode):
            print(fd, os.readlink(f"/proc/self/fd/{fd}"), os.pread(fd, 200, 0))
    except OSError:
        pass
