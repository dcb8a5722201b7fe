# Run once in a fresh session: tries what no session may do, and prints what it
# found. selftest_linux.go judges it. The first line before this one assigns
# `canary` (a file of the host) and `port` (where the host listens).
import ctypes
import json
import os
import socket


def outcome(action):
    try:
        return ["done", str(action())]
    except Exception as failure:
        return ["refused", type(failure).__name__]


def connect(address):
    with socket.create_connection(address, timeout=0.5):
        return "connected"


def write(path):
    with open(path, "w") as file:
        file.write("x")
    return "written"


def read(path):
    with open(path) as file:
        file.read(1)
    return "read"


def mount():
    if ctypes.CDLL(None).mount(b"tmpfs", b"/tmp", b"tmpfs", 0, None) != 0:
        raise PermissionError


status = dict(line.strip().replace("\t", "").split(":", 1) for line in open("/proc/self/status"))
print(json.dumps({
    "refused": {
        "connecting to this machine": outcome(lambda: connect(("127.0.0.1", port))),
        "connecting to the internet": outcome(lambda: connect(("192.0.2.1", 53))),
        "asking a name server": outcome(lambda: socket.getaddrinfo("example.com", 80)),
        "reading a file of the host": outcome(lambda: read(canary)),
        "reading the host's passwords": outcome(lambda: read("/etc/shadow")),
        "writing to the Python installation": outcome(lambda: write("/usr/lib/python3.14/canary.py")),
        "writing to the root": outcome(lambda: write("/canary")),
        "writing to the inputs": outcome(lambda: write("/mnt/input/canary")),
        "mounting": outcome(mount),
        "becoming root": outcome(lambda: os.setuid(0)),
    },
    "environment": sorted(os.environ),
    "interfaces": [name for _, name in socket.if_nameindex()],
    "processes": sorted(int(pid) for pid in os.listdir("/proc") if pid.isdigit()),
    "uid": os.getuid(),
    "capabilities": [status.get("CapEff"), status.get("CapPrm"), status.get("CapBnd")],
    "kernel": os.uname().version,
}))
