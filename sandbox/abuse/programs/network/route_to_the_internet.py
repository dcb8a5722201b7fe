# Tries: find a route to an address of the internet, by TCP and by UDP. Nothing is sent to anybody who lives there.
# Contained: there is no route.
import socket

for address in ("192.0.2.1", "8.8.8.8"):
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as s:
        try:
            s.connect((address, 53))
            print("ESCAPED: a route to", address, "from", s.getsockname())
        except OSError as e:
            print(address, e)
