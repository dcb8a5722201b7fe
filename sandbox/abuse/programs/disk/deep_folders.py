# Tries: leave folders so deep that walking through them fails.
# Contained: the step ends; nothing of it reaches the host's file system.
import os

start = os.getcwd()
try:
    for _ in range(1500):
        os.mkdir("deeper")
        os.chdir("deeper")
    open("bottom", "w").close()
finally:
    os.chdir(start)
