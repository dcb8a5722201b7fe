# Tries: have a child process, a Python of its own, make the connection.
# Contained: the listener gets no connection.
# Alone: escapes
import subprocess
import sys

code = f"import socket; socket.create_connection(('127.0.0.1', {port}), timeout=2); print('ESCAPED: a child connected')"
print(subprocess.run([sys.executable, "-I", "-c", code], capture_output=True, text=True, timeout=30).stdout)
