# Tries: mount by the newer system calls, which older filters forget.
# Contained: they are refused.
import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)
for name, arguments in (
    ("open_tree", (428, -100, b"/", 1)),
    ("fsopen", (430, b"tmpfs", 0)),
    ("fspick", (433, -100, b"/", 0)),
    ("mount_setattr", (442, -100, b"/", 0, ctypes.create_string_buffer(32), 32)),
    ("pivot_root", ({"x86_64": 155, "aarch64": 41}[os.uname().machine], b".", b".")),
):
    result = libc.syscall(*arguments)
    if result >= 0 and name != "mount_setattr":
        print("ESCAPED:", name, "was granted")
    else:
        print(name, result, os.strerror(ctypes.get_errno()))
