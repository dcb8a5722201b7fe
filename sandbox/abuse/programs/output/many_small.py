# Tries: print ten thousands of lines, one by one, to drown the host in small pieces.
# Contained: the host takes no more than output_limit.
import os

for n in range(30_000):
    os.write(1, b"%d\n" % n)
