# Tries: connect to a service of the host by a socket in its file system.
# Contained: the listener gets no connection.
# Alone: escapes
import socket

with socket.socket(socket.AF_UNIX) as s:
    s.settimeout(2)
    s.connect(unix_path)
    print("ESCAPED: connected to", unix_path)
