# Tries: see the host's network interfaces.
# Contained: at most a loopback of the sandbox's own is there.
import socket

for _, name in socket.if_nameindex():
    if name != "lo":
        print("ESCAPED: the interface", name)
