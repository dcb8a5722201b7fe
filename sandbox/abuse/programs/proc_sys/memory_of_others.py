# Tries: read the memory of a process of the host by its file.
# Contained: the process is not there.
import os

with open(f"/proc/{victim_pid}/maps") as maps:
    area = next(line for line in maps if " rw" in line).split("-")[0]
fd = os.open(f"/proc/{victim_pid}/mem", os.O_RDONLY)
print("ESCAPED: memory of process", victim_pid, os.pread(fd, 16, int(area, 16)))
