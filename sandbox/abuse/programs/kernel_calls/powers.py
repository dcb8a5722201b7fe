# Tries: what only the machine's owner may do: load modules, swap, account, set the clock to what it is.
# Contained: each is refused for want of the right to it.
import ctypes
import os
import struct
import time

libc = ctypes.CDLL(None, use_errno=True)
machine = os.uname().machine
now = ctypes.create_string_buffer(struct.pack("=qq", int(time.time()), 0))
calls = {
    "finit_module": ({"x86_64": 313, "aarch64": 273}[machine], -1, b"", 0),
    "swapon": ({"x86_64": 167, "aarch64": 224}[machine], b"/nonexistent", 0),
    "quotactl": ({"x86_64": 179, "aarch64": 60}[machine], 0x80000200, b"/dev/nonexistent", 0, 0),
    "clock_settime": ({"x86_64": 227, "aarch64": 112}[machine], 0, now),
}
for name, arguments in calls.items():
    got, error = libc.syscall(*arguments), ctypes.get_errno()
    print(name, got, os.strerror(error))
    if got >= 0 or error in (2, 9, 15, 20):  # it got as far as looking at its arguments
        print("ESCAPED: may", name)
