# Tries: connect to a service of the host on its loopback address.
# Contained: the listener gets no connection.
# Alone: escapes
import socket

with socket.create_connection(("127.0.0.1", port), timeout=2) as connection:
    print("ESCAPED: connected to", connection.getpeername())
