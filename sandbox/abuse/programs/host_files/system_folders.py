# Tries: write to the folders that programs and their settings come from. It removes what it wrote.
# Contained: none of them can be written to.
import os
import sys

for folder in ("/", "/etc", "/usr", "/usr/lib", "/usr/bin", "/bin", "/lib", "/lib64", "/opt", "/root", "/var", "/boot", *sys.path):
    path = os.path.join(folder, ".abuse-probe")
    try:
        open(path, "x").close()
    except OSError as e:
        print(e)
        continue
    os.remove(path)
    print("ESCAPED: wrote to", folder)
