# Tries: connect to the host's loopback by an IPv4 address in IPv6's clothes.
# Contained: the listener gets no connection.
import socket

with socket.create_connection(("::ffff:127.0.0.1", port), timeout=2) as connection:
    print("ESCAPED: connected to", connection.getpeername())
