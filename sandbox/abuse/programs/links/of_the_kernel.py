# Tries: have the host fetch what the kernel tells about the fetching process, by links that mean it.
# Contained: what the links lead to does not come out.
import os

for path in ("/proc/self/environ", "/proc/self/root", "/proc/self/fd/3", "/proc/self/cwd", "/proc/self/exe", "/dev/zero", "/dev/stdin"):
    os.symlink(path, path.replace("/", "-")[1:])
