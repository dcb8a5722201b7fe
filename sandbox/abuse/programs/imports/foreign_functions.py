# Tries: call the C library directly, past everything that Python could forbid.
# Contained: the host's file does not come out.
# Alone: escapes
import ctypes

libc = ctypes.CDLL(None)
text = ctypes.create_string_buffer(1000)
fd = libc.open(canary_path.encode(), 0)
if fd >= 0 and libc.read(fd, text, 1000) > 0:
    print("ESCAPED:", text.value)
