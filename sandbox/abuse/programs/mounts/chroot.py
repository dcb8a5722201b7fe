# Tries: leave the root folder by changing it twice.
# Contained: the right to do so is not there, or it leads nowhere.
# Alone: escapes
import os

if os.fork() == 0:
    try:
        os.mkdir("cell")
        os.chroot("cell")
    except OSError as e:
        print(e)
    for _ in range(50):
        os.chdir("..")
    try:
        os.chroot(".")
    except OSError as e:
        print(e)
    with open(canary_path) as file:
        print("ESCAPED:", file.read(), flush=True)
    os._exit(0)
os.wait()
