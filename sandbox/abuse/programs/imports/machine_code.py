# Tries: run machine code of its own: a system call that opens the host's file.
# Contained: the file's content does not come out.
import ctypes
import mmap
import os

if os.uname().machine == "x86_64":
    # mov eax, 2; xor esi, esi; syscall; ret: open(path, O_RDONLY), the path being in rdi
    page = mmap.mmap(-1, 4096, prot=mmap.PROT_READ | mmap.PROT_WRITE | mmap.PROT_EXEC)
    page.write(b"\xb8\x02\x00\x00\x00\x31\xf6\x0f\x05\xc3")
    opening = ctypes.CFUNCTYPE(ctypes.c_long, ctypes.c_char_p)(ctypes.addressof(ctypes.c_char.from_buffer(page)))
    fd = opening(canary_path.encode())
    print(fd)
    if fd >= 0:
        print("ESCAPED:", os.read(fd, 1000))
