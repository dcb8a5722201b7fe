# Tries: the parts of a kernel that most escapes came through: bpf, io_uring, userfaultfd, perf events.
# Contained: none is given.
import ctypes
import os

libc = ctypes.CDLL(None, use_errno=True)
numbers = {
    "x86_64": {"bpf": 321, "userfaultfd": 323, "perf_event_open": 298, "io_uring_setup": 425},
    "aarch64": {"bpf": 280, "userfaultfd": 282, "perf_event_open": 241, "io_uring_setup": 425},
}[os.uname().machine]
space = ctypes.create_string_buffer(256)
space[0:8] = b"\1\0\0\0\x80\0\0\0"
for name, arguments in (
    ("bpf", (0, space, 72)), ("userfaultfd", (0,)), ("perf_event_open", (space, 0, -1, -1, 0)), ("io_uring_setup", (4, ctypes.create_string_buffer(256))),
):
    got = libc.syscall(numbers[name], *arguments)
    print(name, got, os.strerror(ctypes.get_errno()))
    if got >= 0:
        print("ESCAPED:", name, "is given")
