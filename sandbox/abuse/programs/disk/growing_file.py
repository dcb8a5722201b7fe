# Tries: leave a small file that grows while it is being copied.
# Contained: the host gets no more than it allows.
import threading

def grow():
    with open("growing.bin", "ab", 0) as file:
        for _ in range(3000):
            file.write(b"x" * 10_000)

with open("growing.bin", "wb") as file:
    file.write(b"x" * 1000)
threading.Thread(target=grow, daemon=True).start()
