# Tries: have the host open a pipe that never ends, a socket and a device.
# Contained: none of them comes out, and the step ends.
import os
import socket
import stat

os.mkfifo("escaped-pipe")
socket.socket(socket.AF_UNIX).bind("escaped-socket")
try:
    os.mknod("escaped-device", stat.S_IFCHR | 0o666, os.makedev(1, 5))
except OSError as e:
    print(e)
