# Tries: connect to a service of the host by an abstract socket, which has a name but no file.
# Contained: the listener gets no connection.
# Alone: escapes
import socket

with socket.socket(socket.AF_UNIX) as s:
    s.settimeout(2)
    s.connect("\0" + abstract_name)
    print("ESCAPED: connected to", abstract_name)
