# Tries: mount over a folder.
# Contained: the right to mount is not there.
import ctypes
import os
import tempfile

libc = ctypes.CDLL(None, use_errno=True)
folder = tempfile.mkdtemp().encode()
for kind in (b"tmpfs", b"proc", b"sysfs", b"cgroup2", b"devtmpfs", b"overlay"):
    if libc.mount(kind, folder, kind, 0, None) == 0:
        libc.umount2(folder, 2)
        print("ESCAPED: mounted a", kind.decode())
    else:
        print(os.strerror(ctypes.get_errno()))
