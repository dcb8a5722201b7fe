# Tries: read the memory of a process of the host by a system call.
# Contained: the process is not there.
import ctypes
import os
import struct

libc = ctypes.CDLL(None, use_errno=True)
number = {"x86_64": 310, "aarch64": 270}[os.uname().machine]
block = ctypes.create_string_buffer(64)
local = ctypes.create_string_buffer(struct.pack("=QQ", ctypes.addressof(block), 64))
for address in (0x400000, 0x10000, 0x555555554000):
    remote = ctypes.create_string_buffer(struct.pack("=QQ", address, 64))
    got = libc.syscall(number, victim_pid, local, 1, remote, 1, 0)
    error = ctypes.get_errno()
    if got > 0 or error == 14:  # EFAULT: it was allowed, nothing is mapped there
        print("ESCAPED: may read the memory of process", victim_pid)
    print(os.strerror(error))
