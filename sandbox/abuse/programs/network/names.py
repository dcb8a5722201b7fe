# Tries: have a name server asked.
# Contained: no name is resolved.
import socket

print("ESCAPED: resolved", socket.getaddrinfo("example.com", 80))
