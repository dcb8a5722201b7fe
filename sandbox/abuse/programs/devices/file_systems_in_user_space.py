# Tries: become a file system or a network device itself.
# Contained: nothing is mounted, and no interface appears.
import fcntl
import os
import struct

try:
    fd = os.open("/dev/net/tun", os.O_RDWR)
    fcntl.ioctl(fd, 0x400454CA, struct.pack("16sH22x", b"escape0", 0x1001))
    print("ESCAPED: made a network interface")
except OSError as e:
    print(e)
import ctypes

fd = os.open("/dev/fuse", os.O_RDWR)
os.mkdir("fuse")
options = f"fd={fd},rootmode=40000,user_id=0,group_id=0".encode()
if ctypes.CDLL(None).mount(b"escape", b"fuse", b"fuse", 0, options) == 0:
    print("ESCAPED: mounted a file system of its own")
