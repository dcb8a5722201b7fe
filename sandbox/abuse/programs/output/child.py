# Tries: have a child print without end.
# Contained: it is stopped; the host takes no more than output_limit.
import subprocess
import sys

subprocess.run([sys.executable, "-I", "-S", "-c", "import os\nfor _ in range(200): os.write(1, b'y' * (1 << 20))"])
print("ESCAPED: the child wrote 200 MiB and was not stopped")
