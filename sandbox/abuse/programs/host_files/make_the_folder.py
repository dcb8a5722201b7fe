# Tries: make the path of the host's folder here, in case it is one day copied out.
# Contained: nothing appears on the host, whatever the sandbox does with it.
import os

os.makedirs(host_dir, exist_ok=True)
with open(host_dir + "/left.txt", "w") as file:
    file.write("left by the program")
