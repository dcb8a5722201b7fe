# Tries: send packets that it makes itself.
# Contained: no socket for raw packets is given.
import socket

for family, kind, protocol in (
    (socket.AF_PACKET, socket.SOCK_RAW, socket.htons(3)),
    (socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_ICMP),
    (socket.AF_INET, socket.SOCK_RAW, socket.IPPROTO_RAW),
    (socket.AF_INET6, socket.SOCK_RAW, socket.IPPROTO_ICMPV6),
):
    try:
        socket.socket(family, kind, protocol).close()
        print("ESCAPED: a raw socket of family", family)
    except OSError as e:
        print(e)
