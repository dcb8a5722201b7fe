# Tries: write to the error stream without end.
# Contained: it is stopped; the host takes no more than output_limit.
import sys

line = "x" * (1 << 20) + "\n"
for _ in range(200):
    sys.stderr.write(line)
print("ESCAPED: wrote 200 MiB and was not stopped")
