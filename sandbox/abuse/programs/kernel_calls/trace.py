# Tries: attach to a process of the host as a debugger does.
# Contained: the process is not there, or may not be traced.
import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)
for pid in (victim_pid, os.getppid()):
    for request in (16, 0x4206):  # ATTACH, SEIZE
        if pid > 0 and libc.ptrace(request, pid, 0, 0) == 0:
            libc.ptrace(17, pid, 0, 0)
            print("ESCAPED: attached to process", pid)
        else:
            print(os.strerror(ctypes.get_errno()))
