# Tries: reach the machine that hosts a virtual one.
# Contained: there is no such socket, or no connection.
import socket

for cid in (1, 2):
    with socket.socket(socket.AF_VSOCK, socket.SOCK_STREAM) as s:
        s.settimeout(1)
        try:
            s.connect((cid, port))
            print("ESCAPED: connected to", cid)
        except OSError as e:
            print(e)
