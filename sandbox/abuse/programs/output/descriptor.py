# Tries: write past Python's own streams, to the descriptors, without end.
# Contained: it is stopped; the host takes no more than output_limit.
import os

line = b"\xff\xfe\x1b]52;c;x\x07" + b"x" * (1 << 20)
for n in range(200):
    os.write(1 + n % 2, line)
print("ESCAPED: wrote 200 MiB and was not stopped")
