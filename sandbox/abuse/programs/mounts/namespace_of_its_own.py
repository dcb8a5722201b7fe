# Tries: become root of a user namespace, where it may mount, and reach the host's files from there.
# Contained: whatever it may do there, the host's file is not read and nothing is written.
# Alone: escapes
import ctypes
import os
import sys

libc = ctypes.CDLL(None, use_errno=True)
if os.fork() == 0:
    print("unshare", libc.unshare(0x10000000 | 0x00020000))  # NEWUSER, NEWNS
    for name, value in (("setgroups", "deny"), ("uid_map", "0 1000 1"), ("gid_map", "0 1000 1")):
        try:
            with open("/proc/self/" + name, "w") as file:
                file.write(value)
        except OSError as e:
            print(name, e)
    os.makedirs("there", exist_ok=True)
    print("mounted", [libc.mount(source, b"there", kind, flags, None) for source, kind, flags in (
        (b"/", None, 0x5000), (b"proc", b"proc", 0), (b"/dev/sda", b"ext4", 0), (b"/dev/vda", b"ext4", 1), (b"tmpfs", b"tmpfs", 0))])
    for root in ("there", "there/1/root", ""):
        try:
            with open(root + canary_path) as file:
                print("ESCAPED:", file.read())
        except OSError as e:
            print(e)
    sys.stdout.flush()
    os._exit(0)
os.wait()
