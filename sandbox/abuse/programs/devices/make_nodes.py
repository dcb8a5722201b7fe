# Tries: make device nodes of the host's disks and memory, and open them.
# Contained: they cannot be made, or not opened.
import os
import stat

for kind, major, minor in (
    (stat.S_IFBLK, 8, 0), (stat.S_IFBLK, 254, 0), (stat.S_IFBLK, 259, 0), (stat.S_IFBLK, 7, 0), (stat.S_IFCHR, 1, 1), (stat.S_IFCHR, 1, 11),
):
    path = f"node-{major}-{minor}"
    try:
        os.mknod(path, kind | 0o666, os.makedev(major, minor))
        os.close(os.open(path, os.O_RDONLY | os.O_NONBLOCK))
        print("ESCAPED: opened the device", major, minor)
    except OSError as e:
        print(e)
    finally:
        if os.path.lexists(path):
            os.remove(path)
