# Tries: send a datagram to a service of the host and have it answered.
# Contained: the host's socket gets no datagram.
# Alone: escapes
import socket

with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
    s.settimeout(2)
    s.sendto(b"hello", ("127.0.0.1", port))
    print("ESCAPED: answered with", s.recv(100))
