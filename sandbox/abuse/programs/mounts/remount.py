# Tries: make every read-only mount writable, in a namespace of its own where that can be had.
# Contained: the root and the libraries stay read-only.
import ctypes
import os
import sys

libc = ctypes.CDLL(None, use_errno=True)
if os.fork() == 0:
    # Never in the mounts of a machine that is not contained.
    if libc.unshare(0x00020000) != 0 and libc.unshare(0x10000000 | 0x00020000) != 0:
        os._exit(0)
    for line in open("/proc/self/mounts"):
        libc.mount(None, line.split()[1].encode(), None, 0x20 | 0x1000, None)  # REMOUNT, BIND
    for folder in ("/", "/usr", os.path.dirname(os.__file__), *sys.path):
        if os.getuid() != 0 and os.access(folder, os.W_OK):
            print("ESCAPED: can write to", folder, flush=True)
    os._exit(0)
os.wait()
