# Tries: know the key by which another session's processes trust each other.
# Contained: no two sessions have the same.
# Twice: differs
import multiprocessing

print(bytes(multiprocessing.current_process().authkey).hex())
