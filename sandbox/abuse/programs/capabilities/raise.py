# Tries: give itself capabilities, and keep them over a change of user.
# Contained: refused.
import ctypes
import os
import struct

libc = ctypes.CDLL(None, use_errno=True)
header = ctypes.create_string_buffer(struct.pack("=Ii", 0x20080522, 0))
everything = ctypes.create_string_buffer(struct.pack("=6I", *[0xFFFFFFFF, 0xFFFFFFFF, 0] * 2))
if libc.capset(header, everything) == 0:
    print("ESCAPED: gave itself capabilities")
for capability in range(41):
    if libc.prctl(47, 2, capability, 0, 0) == 0:  # CAP_AMBIENT_RAISE
        print("ESCAPED: raised capability", capability)
print(os.strerror(ctypes.get_errno()))
