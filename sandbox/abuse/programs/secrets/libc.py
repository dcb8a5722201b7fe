# Tries: read the environment past Python, in C.
# Contained: no variable of the service's is there.
# Alone: escapes
import ctypes

libc = ctypes.CDLL(None)
libc.getenv.restype = ctypes.c_char_p
if value := libc.getenv(b"ABUSE_SECRET"):
    print("ESCAPED:", value)
