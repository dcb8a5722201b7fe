# Tries: read the messages of the machine's kernel.
# Contained: there are none, or not the machine's.
import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)
text = ctypes.create_string_buffer(1 << 16)
got = libc.klogctl(3, text, len(text))
if got > 0 and b"Linux version" in text.raw or b"BIOS" in text.raw:
    print("ESCAPED: read", got, "bytes of the kernel's log")
print(got, os.strerror(ctypes.get_errno()))
